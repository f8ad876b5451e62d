//! Limits: which checks there are, at which level, with which limit and why.
