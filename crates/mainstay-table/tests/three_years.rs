//! What a day asks of the store, in the first month of a target and after three years: as many requests, as many objects.

// All of this file is test, its helpers included.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::StreamExt;
use futures::stream::BoxStream;
use jiff::Timestamp;
use mainstay_schema::ledger::{EntryKind, LedgerEntry};
use mainstay_schema::{Cents, Digest, Ds, JobKind, RunId};
use mainstay_table::ledger_table::{self, Appended, LedgerView};
use mainstay_table::{Lake, PublishedTable, RunRecord, RunStatus, Series, StagedFile, claim, run_record};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result,
};

const YEARS_DAYS: i32 = 3 * 365;
const FIRST_MONTH_ENDS: i32 = 30;
/// Days over which work is averaged: checkpoints come every few commits.
const MEASURED: i32 = 10;

/// A store that counts what is asked of it.
#[derive(Debug, Default)]
struct CountingStore {
    inner: InMemory,
    reads: AtomicU64,
    bytes: AtomicU64,
    lists: AtomicU64,
    listed: Arc<AtomicU64>,
    writes: AtomicU64,
}

/// Requests of one day, or their average.
#[derive(Debug, Clone, Copy)]
struct Work {
    reads: u64,
    kibibytes: u64,
    lists: u64,
    listed: u64,
    writes: u64,
}

impl CountingStore {
    fn taken(&self) -> Work {
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::SeqCst);
        Work {
            reads: take(&self.reads),
            kibibytes: take(&self.bytes) / 1024,
            lists: take(&self.lists),
            listed: take(&self.listed),
            writes: take(&self.writes),
        }
    }

    fn counted(&self, found: BoxStream<'static, Result<ObjectMeta>>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.lists.fetch_add(1, Ordering::SeqCst);
        let listed = self.listed.clone();
        found
            .inspect(move |_| {
                listed.fetch_add(1, Ordering::SeqCst);
            })
            .boxed()
    }
}

impl fmt::Display for CountingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "counting {}", self.inner)
    }
}

#[async_trait::async_trait]
impl ObjectStore for CountingStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.inner.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(&self, path: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let is_head = options.head;
        let found = self.inner.get_opts(location, options).await?;
        if !is_head {
            self.bytes.fetch_add(found.range.end - found.range.start, Ordering::SeqCst);
        }
        Ok(found)
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.counted(self.inner.list(prefix))
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.counted(self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.lists.fetch_add(1, Ordering::SeqCst);
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

fn day(number: i32) -> Ds {
    "2023-01-01".parse::<Ds>().unwrap().plus_days(number)
}

fn entry(ds: Ds, kind: EntryKind) -> LedgerEntry {
    LedgerEntry {
        entry_id: format!("run-{ds}/{kind}"),
        ds,
        month: ds.month(),
        job: "daily_risk".into(),
        run_id: RunId::new(format!("run-{ds}")),
        kind,
        amount: Cents(760_550),
        replaces: (kind == EntryKind::Committed).then(|| format!("run-{ds}/{}", EntryKind::Planned)),
        allowance: Cents(800_000),
        price: 1.5,
    }
}

fn record(ds: Ds) -> RunRecord {
    let file = |number: u32| StagedFile {
        path: format!("campaign_allocations/ds={ds}/run-{ds}-{number}.parquet"),
        rows: 250,
        bytes: 20_000,
        digest: Digest::of(&number.to_le_bytes()),
        statistics: String::new(),
    };
    let plan = PublishedTable {
        table: "campaign_allocations".into(),
        version: 1,
        rows: 2_000,
        digest: Digest::of(b"rows"),
        files: (0..8).map(file).collect(),
    };
    RunRecord {
        run_id: RunId::new(format!("run-{ds}")),
        job: "daily_risk".into(),
        kind: Some(JobKind::Daily),
        project: Some("reference_retailer".into()),
        currency: Some("USD".into()),
        simulated: false,
        ds,
        attempt: 1,
        status: RunStatus::Published,
        started_at: Timestamp::UNIX_EPOCH,
        finished_at: Timestamp::UNIX_EPOCH,
        as_of: Timestamp::UNIX_EPOCH,
        tables: vec![plan],
        details: serde_json::json!({"allocation": {"treated": 496}}),
    }
}

async fn append(lake: &Lake, view: &LedgerView, entry: LedgerEntry) {
    assert!(matches!(ledger_table::append_to(lake, view, &[entry]).await.unwrap(), Appended::At { .. }));
}

/// What these days leave behind: two files of the ledger and a record each.
async fn leave(lake: &Lake, days: std::ops::Range<i32>) {
    for kind in [EntryKind::Planned, EntryKind::Committed] {
        let view = ledger_table::read(lake, |_| false).await.unwrap();
        let entries: Vec<LedgerEntry> = days.clone().map(|number| entry(day(number), kind)).collect();
        assert!(matches!(ledger_table::append_to(lake, &view, &entries).await.unwrap(), Appended::At { .. }));
    }
    for number in days {
        run_record::append(lake, &Series::plans(), &record(day(number))).await.unwrap();
    }
}

/// What a daily run asks of records, claims and ledger, in its order.
async fn run(lake: &Lake, ds: Ds) {
    let plans = Series::plans();
    let newest = run_record::latest(lake, &plans).await.unwrap().unwrap();
    assert_eq!(newest.ds, ds.plus_days(-1));
    assert!(ledger_table::read(lake, |_| false).await.unwrap().entries.is_empty());
    assert!(run_record::latest_published(lake, &plans, ds).await.unwrap().is_none());
    let run_id = RunId::new(format!("run-{ds}"));
    claim::claim_next(lake, &plans, ds, &run_id, Timestamp::UNIX_EPOCH).await.unwrap();
    let near = |other: Ds| other != ds && other.days_since(ds).abs() <= 30;
    let recent = run_record::published_days(lake, &plans, near).await.unwrap();
    assert_eq!(recent.len(), 30.min(ds.days_since(day(0)) as usize));
    let view = ledger_table::read(lake, |other| other.month() == ds.month()).await.unwrap();
    assert_eq!(view.entries.len(), 2 * (usize::from(ds.0.day().unsigned_abs()) - 1));
    append(lake, &view, entry(ds, EntryKind::Planned)).await;
    for _ in 0..6 {
        assert!(claim::latest(lake, &plans, ds).await.unwrap().is_some());
        assert!(run_record::latest_published(lake, &plans, ds).await.unwrap().is_none());
    }
    run_record::append(lake, &plans, &record(ds)).await.unwrap();
    let view = ledger_table::read(lake, |_| false).await.unwrap();
    append(lake, &view, entry(ds, EntryKind::Committed)).await;
}

/// The average work of some days, the last of them `last`, all on the same days of their months.
async fn work(lake: &Lake, store: &CountingStore, last: i32) -> Work {
    store.taken();
    for number in last - MEASURED..last {
        run(lake, day(number)).await;
    }
    let Work { reads, kibibytes, lists, listed, writes } = store.taken();
    let days = MEASURED as u64;
    Work {
        reads: reads / days,
        kibibytes: kibibytes / days,
        lists: lists / days,
        listed: listed / days,
        writes: writes / days,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_asks_as_much_of_the_store_after_three_years_as_in_the_first_month() {
    let store = Arc::new(CountingStore::default());
    let lake = Lake::new("memory:///lake".parse().unwrap(), store.clone()).unwrap();
    leave(&lake, 0..FIRST_MONTH_ENDS - MEASURED).await;
    let first = work(&lake, &store, FIRST_MONTH_ENDS).await;
    // The same days of a month, three years later: 2024 has a day more, so that they are a day earlier in their month.
    let last = YEARS_DAYS + FIRST_MONTH_ENDS;
    leave(&lake, FIRST_MONTH_ENDS..last - MEASURED).await;
    let third_year = work(&lake, &store, last).await;
    println!("a day in the first month: {first:?}\na day after three years: {third_year:?}");
    let is_alike = |before: u64, after: u64| after * 10 <= before * 13;
    assert!(is_alike(first.reads, third_year.reads), "{first:?} {third_year:?}");
    assert!(is_alike(first.lists, third_year.lists), "{first:?} {third_year:?}");
    assert!(is_alike(first.listed, third_year.listed), "{first:?} {third_year:?}");
    assert_eq!(first.writes, third_year.writes);
}
