//! Whole projects over small tables that the tests write.

mod fixture;

mod contracts;
mod online_retail;
mod point_in_time;
mod projects;
mod reference;
