//! Everything that is tested from outside, in one binary: each further one would link
//! every dependency again.

mod audit_names;
#[cfg(target_os = "linux")]
mod bytes_read;
mod calibration;
mod check_list;
mod ci_files;
mod ci_formats;
mod cli;
mod companions;
mod compare;
mod controls;
mod docs;
mod format_list;
mod formats;
mod hostile;
mod hostile_audit;
mod hostile_files;
mod hostile_names;
mod hub;
mod ledger;
mod loading;
mod module_circles;
mod numpy;
mod outputs;
mod packages;
mod pipeline;
mod planted;
mod policies;
mod published;
mod pytorch_walk;
mod reference;
mod sample_reports;
mod sets;
mod shadow;
mod sources;
mod start;
mod train;
mod up_to_scales;
mod writers;
