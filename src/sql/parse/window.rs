//! OVER and WINDOW.

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, NamedWindowDefinition, NamedWindowExpr, OrderByExpr, OrderByOptions, WindowFrame, WindowFrameBound,
    WindowFrameUnits, WindowSpec, WindowType,
};

use super::cursor::Parser;
use crate::error::{Error, Kind, Result};

/// Names under which an EXCLUDE stands as the last item of its window's ORDER BY.
pub const EXCLUDE_CURRENT_ROW: &str = "exclude current row";
/// See [`EXCLUDE_CURRENT_ROW`].
pub const EXCLUDE_GROUP: &str = "exclude group";
/// See [`EXCLUDE_CURRENT_ROW`].
pub const EXCLUDE_TIES: &str = "exclude ties";

/// An EXCLUDE, for which the syntax tree has no place, as an item of ORDER BY.
fn exclusion(what: &str) -> OrderByExpr {
    let expr = Expr::Identifier(Ident::with_quote('"', what));
    OrderByExpr { expr, options: OrderByOptions { asc: None, nulls_first: None }, with_fill: None }
}

impl Parser<'_> {
    /// What stands behind OVER.
    pub(super) fn over(&mut self) -> Result<WindowType> {
        match self.is_mark("(") {
            true => Ok(WindowType::WindowSpec(self.window()?)),
            false => Ok(WindowType::NamedWindow(self.column_name()?)),
        }
    }

    /// One window of WINDOW.
    pub(super) fn named_window(&mut self) -> Result<NamedWindowDefinition> {
        let name = self.column_name()?;
        self.expect("as")?;
        Ok(NamedWindowDefinition(name, NamedWindowExpr::WindowSpec(self.window()?)))
    }

    fn window(&mut self) -> Result<WindowSpec> {
        self.nested(|parser| {
            parser.expect_mark("(")?;
            let is_clause = parser.is_any(&["partition", "range", "rows", "groups"]);
            let window_name = if !is_clause && parser.at_column_name() { Some(parser.column_name()?) } else { None };
            let mut partition_by = Vec::new();
            if parser.accept("partition") {
                parser.expect("by")?;
                partition_by = parser.exprs()?;
            }
            let mut order_by = parser.order_by_list()?.unwrap_or_default();
            let (window_frame, excluded) = parser.frame()?;
            order_by.extend(excluded.map(exclusion));
            parser.expect_mark(")")?;
            Ok(WindowSpec { window_name, partition_by, order_by, window_frame })
        })
    }

    fn frame(&mut self) -> Result<(Option<WindowFrame>, Option<&'static str>)> {
        let units = if self.accept("rows") {
            WindowFrameUnits::Rows
        } else if self.accept("range") {
            WindowFrameUnits::Range
        } else if self.accept("groups") {
            WindowFrameUnits::Groups
        } else {
            return Ok((None, None));
        };
        let start = self.position();
        let wrong = |message: &str, position: usize| Err(Error::new(Kind::Windowing, message).position(position));
        let frame = if self.accept("between") {
            let start = self.position();
            let start_bound = self.bound()?;
            self.expect("and")?;
            let end = self.position();
            let end_bound = self.bound()?;
            match (&start_bound, &end_bound) {
                (WindowFrameBound::Following(None), _) => {
                    return wrong("frame start cannot be UNBOUNDED FOLLOWING", start);
                }
                (_, WindowFrameBound::Preceding(None)) => {
                    return wrong("frame end cannot be UNBOUNDED PRECEDING", end);
                }
                (WindowFrameBound::CurrentRow, WindowFrameBound::Preceding(_)) => {
                    return wrong("frame starting from current row cannot have preceding rows", end);
                }
                (WindowFrameBound::Following(_), WindowFrameBound::Preceding(_) | WindowFrameBound::CurrentRow) => {
                    return wrong("frame starting from following row cannot have preceding rows", end);
                }
                _ => {}
            }
            WindowFrame { units, start_bound, end_bound: Some(end_bound) }
        } else {
            let start_bound = self.bound()?;
            match &start_bound {
                WindowFrameBound::Following(None) => {
                    return wrong("frame start cannot be UNBOUNDED FOLLOWING", start);
                }
                WindowFrameBound::Following(_) => {
                    return wrong("frame starting from following row cannot end with current row", start);
                }
                _ => {}
            }
            WindowFrame { units, start_bound, end_bound: None }
        };
        if self.accept("exclude") {
            let what = if self.accept("current") {
                self.expect("row")?;
                EXCLUDE_CURRENT_ROW
            } else if self.accept("group") {
                EXCLUDE_GROUP
            } else if self.accept("ties") {
                EXCLUDE_TIES
            } else {
                self.expect("no")?;
                self.expect("others")?;
                return Ok((Some(frame), None));
            };
            return Ok((Some(frame), Some(what)));
        }
        Ok((Some(frame), None))
    }

    fn bound(&mut self) -> Result<WindowFrameBound> {
        if self.is("current") && self.is_ahead(1, "row") {
            self.advance();
            self.advance();
            return Ok(WindowFrameBound::CurrentRow);
        }
        let unbounded = self.is("unbounded") && (self.is_ahead(1, "preceding") || self.is_ahead(1, "following"));
        let rows = match unbounded {
            true => {
                self.advance();
                None
            }
            false => Some(Box::new(self.expr()?)),
        };
        if self.accept("preceding") {
            return Ok(WindowFrameBound::Preceding(rows));
        }
        self.expect("following")?;
        Ok(WindowFrameBound::Following(rows))
    }
}
