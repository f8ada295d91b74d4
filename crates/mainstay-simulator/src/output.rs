//! A table of the output folder: rows in, files by period out.

use arrow::array::RecordBatch;
use mainstay_schema::Ds;

use crate::error::SimulatorError;
use crate::folder::{OpenFile, OutputFolder};
use crate::generated::Written;

/// What one file holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Period {
    /// `date=2024-01-31.parquet`: for tables with many rows a day.
    Day,
    /// `month=2024-01.parquet`: for tables with few rows a day, since every file costs its readers time.
    Month,
    /// Everything, under this name.
    All(&'static str),
}

/// A table that is being written, one file after the other.
pub(crate) struct TableOutput {
    name: &'static str,
    period: Period,
    open: Option<(String, OpenFile)>,
    written: Written,
}

impl TableOutput {
    /// Creates the folder of the table, so that a table without rows is there too. `_truth/hazard` lies in the folder `_truth`.
    pub(crate) fn create(folder: &OutputFolder, name: &'static str, period: Period) -> Result<Self, SimulatorError> {
        let output = Self { name, period, open: None, written: Written::default() };
        folder.create_table(output.folder())?;
        Ok(output)
    }

    /// Appends the rows of a day to the file of its period. Days come in order.
    pub(crate) fn write(&mut self, folder: &OutputFolder, ds: Ds, rows: &RecordBatch) -> Result<(), SimulatorError> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let name = self.period.file_name(ds);
        let mut file = match self.open.take() {
            Some((open, file)) if open == name => file,
            other => {
                self.close(other)?;
                folder.begin(self.folder(), &name, rows.schema())?
            }
        };
        file.write(rows)?;
        self.written.rows += rows.num_rows() as u64;
        self.open = Some((name, file));
        Ok(())
    }

    /// Finishes the last file.
    pub(crate) fn finish(mut self) -> Result<(&'static str, Written), SimulatorError> {
        let open = self.open.take();
        self.close(open)?;
        Ok((self.name, self.written))
    }

    fn folder(&self) -> &'static str {
        self.name.split_once('/').map_or(self.name, |(folder, _)| folder)
    }

    fn close(&mut self, open: Option<(String, OpenFile)>) -> Result<(), SimulatorError> {
        if let Some((_, file)) = open {
            self.written.bytes += file.finish()?;
            self.written.files += 1;
        }
        Ok(())
    }
}

impl Period {
    fn file_name(self, ds: Ds) -> String {
        match self {
            Self::Day => format!("date={ds}.parquet"),
            Self::Month => format!("month={}.parquet", ds.month()),
            Self::All(name) => name.to_owned(),
        }
    }
}
