//! Lists as spreadsheets and directories make them.
