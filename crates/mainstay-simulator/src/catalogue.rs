//! What the retailer sells.

use crate::random::{Draws, Stream};

/// Categories and the price around which their products lie, in cents.
const CATEGORIES: [(&str, f64); 8] = [
    ("apparel", 3_900.0),
    ("beauty", 1_800.0),
    ("books", 1_500.0),
    ("electronics", 9_500.0),
    ("garden", 3_200.0),
    ("home", 4_200.0),
    ("sports", 4_800.0),
    ("toys", 2_400.0),
];

/// How many categories there are.
pub(crate) const CATEGORY_COUNT: usize = CATEGORIES.len();

const PRODUCTS_PER_CATEGORY: usize = 75;

/// A product as it stands on the shelf on the first day.
#[derive(Debug, Clone)]
pub(crate) struct Product {
    /// From 1, unique.
    pub(crate) number: u32,
    pub(crate) category: &'static str,
    /// Price on the first day, in cents.
    pub(crate) price_cents: f64,
}

/// All products, by category.
#[derive(Debug, Clone)]
pub(crate) struct Catalogue(Vec<Product>);

impl Catalogue {
    /// The shelf of a seed: prices are log-normal around that of their category.
    pub(crate) fn new(seed: u64) -> Self {
        let categories = CATEGORIES.iter().flat_map(|category| std::iter::repeat_n(category, PRODUCTS_PER_CATEGORY));
        let products = (1u32..).zip(categories).map(|(number, &(category, around))| {
            let spread = libm::exp(0.5 * Draws::new(seed, Stream::Product, number, 0).normal());
            Product { number, category, price_cents: around * spread }
        });
        Self(products.collect())
    }

    /// A product of a category, the first ones more often than the last. `None` where there is no such category.
    pub(crate) fn pick(&self, category: usize, draws: &mut Draws) -> Option<&Product> {
        let popularity = draws.uniform() * draws.uniform();
        let within = (popularity * PRODUCTS_PER_CATEGORY as f64) as usize;
        self.0.get(category * PRODUCTS_PER_CATEGORY + within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_holds_its_products() {
        let catalogue = Catalogue::new(1);
        let mut draws = Draws::new(1, Stream::Purchase, 1, 1);
        for (category, (name, _)) in CATEGORIES.iter().enumerate() {
            let product = catalogue.pick(category, &mut draws).unwrap();
            assert_eq!(&product.category, name);
            assert!(product.price_cents > 100.0);
        }
        assert!(catalogue.pick(CATEGORY_COUNT, &mut draws).is_none());
        assert_eq!(catalogue.0.len(), 600);
    }
}
