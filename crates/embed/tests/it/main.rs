//! Model folders made here, small enough to know what must come out, and the public MiniLM against vectors computed without us.

mod folders;
mod minilm;
mod sentence;
mod static_table;
