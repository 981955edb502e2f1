//! Where in the text something stands, for the position of an error.

use datafusion::sql::sqlparser::tokenizer::Location;

/// Characters of a text before a place.
pub fn offset(sql: &str, place: Location) -> usize {
    let line = usize::try_from(place.line).unwrap_or(usize::MAX).saturating_sub(1);
    let before: usize = sql.split_inclusive('\n').take(line).map(|line| line.chars().count()).sum();
    before + usize::try_from(place.column).unwrap_or(0).saturating_sub(1)
}

/// The position of something that starts at a place; none where it was made and not read.
pub fn position(sql: &str, start: Location) -> Option<usize> {
    (start.line > 0).then(|| offset(sql, start) + 1)
}
