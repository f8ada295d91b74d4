//! The functions over a real context, against the model called directly.
