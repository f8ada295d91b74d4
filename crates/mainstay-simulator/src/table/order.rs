//! `orders` and `order_lines`.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::{Columns, customer_id};
use crate::channel::Channel;
use crate::order::{Line, Order};

/// Orders and returns as `orders`.
pub(crate) fn orders(orders: &[Order]) -> Result<RecordBatch, ArrowError> {
    let orders = || orders.iter();
    Columns::default()
        .text("order_id", orders().map(order_id))
        .text("customer_id", orders().map(|order| customer_id(order.customer)))
        .instant("ordered_at", orders().map(|order| order.ordered_at))
        .instant("loaded_at", orders().map(|order| order.loaded_at))
        .money("gross_amount", orders().map(|order| order.gross))?
        .money("discount_amount", orders().map(|order| order.discount))?
        .money("net_amount", orders().map(|order| order.net))?
        .perhaps_money("cost_amount", orders().map(|order| order.cost))?
        .perhaps_text("channel", orders().map(|order| order.channel.map(Channel::as_str)))
        .boolean("is_return", orders().map(|order| order.is_return))
        .batch()
}

/// The lines of the orders as `order_lines`.
pub(crate) fn order_lines(orders: &[Order]) -> Result<RecordBatch, ArrowError> {
    let lines: Vec<(&Order, i32, &Line)> = orders
        .iter()
        .flat_map(|order| (1..).zip(&order.lines).map(move |(number, line)| (order, number, line)))
        .collect();
    let lines = || lines.iter();
    Columns::default()
        .text("order_id", lines().map(|(order, ..)| order_id(order)))
        .integer("line_number", lines().map(|&(_, number, _)| number))
        .text("customer_id", lines().map(|(order, ..)| customer_id(order.customer)))
        .instant("ordered_at", lines().map(|(order, ..)| order.ordered_at))
        .instant("loaded_at", lines().map(|(order, ..)| order.loaded_at))
        .text("product_id", lines().map(|(.., line)| format!("P{:05}", line.product)))
        .perhaps_text("category", lines().map(|(.., line)| line.category))
        .integer("quantity", lines().map(|(.., line)| line.quantity))
        .money("unit_price", lines().map(|(.., line)| line.unit_price))?
        .money("net_amount", lines().map(|(.., line)| line.net))?
        .batch()
}

fn order_id(order: &Order) -> String {
    format!("O{:09}", order.number)
}
