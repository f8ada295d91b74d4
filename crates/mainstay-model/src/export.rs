//! Writing models for other programs.

mod onnx;

pub use onnx::{ExportError, onnx};

#[cfg(test)]
mod tests;
