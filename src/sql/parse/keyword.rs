//! The key words of PostgreSQL 15 and where each may stand as a name.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Where a key word may stand as a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Category {
    /// Anywhere.
    Unreserved,
    /// As a column or table, not as a function or type.
    ColumnName,
    /// As a function or type, not as a column or table.
    FunctionOrType,
    /// Only behind AS or a point.
    Reserved,
}

/// A key word.
#[derive(Debug)]
pub(super) struct Keyword {
    /// The word in lower case.
    pub(super) word: &'static str,
    /// Where it may stand as a name.
    pub(super) category: Category,
    /// It names an item of a select list without AS.
    pub(super) bare_label: bool,
}

/// Names anywhere.
const UNRESERVED: &str = "\
     abort absolute access action add admin after aggregate also alter always asensitive assertion assignment at \
     atomic attach attribute backward before begin breadth by cache call called cascade cascaded catalog chain \
     characteristics checkpoint class close cluster columns comment comments commit committed compression \
     configuration conflict connection constraints content continue conversion copy cost csv cube current cursor \
     cycle data database day deallocate declare defaults deferred definer delete delimiter delimiters depends depth \
     detach dictionary disable discard document domain double drop each enable encoding encrypted enum escape event \
     exclude excluding exclusive execute explain expression extension external family filter finalize first following \
     force forward function functions generated global granted groups handler header hold hour identity if immediate \
     immutable implicit import include including increment index indexes inherit inherits inline input insensitive \
     insert instead invoker isolation key label language large last leakproof level listen load local location lock \
     locked logged mapping match matched materialized maxvalue merge method minute minvalue mode month move name \
     names new next nfc nfd nfkc nfkd no normalized nothing notify nowait nulls object of off oids old operator \
     option options ordinality others over overriding owned owner parallel parameter parser partial partition passing \
     password plans policy preceding prepare prepared preserve prior privileges procedural procedure procedures \
     program publication quote range read reassign recheck recursive ref referencing refresh reindex relative release \
     rename repeatable replace replica reset restart restrict return returns revoke role rollback rollup routine \
     routines rows rule savepoint schema schemas scroll search second security sequence sequences serializable server \
     session set sets share show simple skip snapshot sql stable standalone start statement statistics stdin stdout \
     storage stored strict strip subscription support sysid system tables tablespace temp template temporary text \
     ties transaction transform trigger truncate trusted type types uescape unbounded uncommitted unencrypted unknown \
     unlisten unlogged until update vacuum valid validate validator value varying version view views volatile \
     whitespace within without work wrapper write xml year yes zone";

/// Names of columns, not of functions.
const COLUMN_NAME: &str = "\
     between bigint bit boolean char character coalesce dec decimal exists extract float greatest grouping inout int \
     integer interval least national nchar none normalize nullif numeric out overlay position precision real row \
     setof smallint substring time timestamp treat trim values varchar xmlattributes xmlconcat xmlelement xmlexists \
     xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable";

/// Names of functions, not of columns.
const FUNCTION_OR_TYPE: &str = "\
     authorization binary collation concurrently cross current_schema freeze full ilike inner is isnull join left \
     like natural notnull outer overlaps right similar tablesample verbose";

/// No names.
const RESERVED: &str = "\
     all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create \
     current_catalog current_date current_role current_time current_timestamp current_user default deferrable desc \
     distinct do else end except false fetch for foreign from grant group having in initially intersect into lateral \
     leading limit localtime localtimestamp not null offset on only or order placing primary references returning \
     select session_user some symmetric table then to trailing true union unique user using variadic when where \
     window with";

/// No label of a select item unless behind AS.
const AS_LABEL: &str = "\
     array as char character create day except fetch filter for from grant group having hour intersect into isnull \
     limit minute month notnull offset on order over overlaps precision returning second to union varying where \
     window with within without year";

static ALL: LazyLock<HashMap<&'static str, Keyword>> = LazyLock::new(|| {
    let needs_as: Vec<&str> = AS_LABEL.split_ascii_whitespace().collect();
    let of = [
        (UNRESERVED, Category::Unreserved),
        (COLUMN_NAME, Category::ColumnName),
        (FUNCTION_OR_TYPE, Category::FunctionOrType),
        (RESERVED, Category::Reserved),
    ];
    let words =
        of.into_iter().flat_map(|(list, category)| list.split_ascii_whitespace().map(move |word| (word, category)));
    words.map(|(word, category)| (word, Keyword { word, category, bare_label: !needs_as.contains(&word) })).collect()
});

/// The key word that a folded word is, if it is one.
pub(super) fn find(word: &str) -> Option<&'static Keyword> {
    ALL.get(word)
}
