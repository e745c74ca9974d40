//! The tables against naive models. They are read with the code that the kernel runs.

mod laws;
mod model;
mod scale;
mod shapes;
