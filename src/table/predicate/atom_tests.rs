//! The laws of atoms over small domains: what they say together, alone, and of each other, against the values.

use super::*;
use crate::model::filter::Condition;
use crate::table::predicate::facts::add;

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn like(piece: &str) -> Atom {
    let pieces = vec![piece.to_owned()];
    Atom::Like(Pattern { pieces, anchored_start: false, anchored_end: false, ignore_case: true })
}

/// Atoms over some values, and the values.
fn domains() -> Vec<(Vec<Atom>, Vec<Value>)> {
    let (open, inc, exc) = (Bound::Unbounded, Bound::Included::<f64>, Bound::Excluded::<f64>);
    let texts: Vec<Value> = ["a", "ab", "b", ""].into_iter().map(text).collect();
    let integers: Vec<Value> = (-3..8).map(Value::Integer).collect();
    let doubles: Vec<Value> =
        [-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, f64::NAN, f64::INFINITY].into_iter().map(Value::Double).collect();
    let some = |values: &[Value], places: &[usize]| places.iter().map(|&place| values[place].clone()).collect();
    let lists = |values: &[Value]| {
        vec![
            Atom::OneOf(some(values, &[0])),
            Atom::OneOf(some(values, &[1, 3])),
            Atom::OneOf(some(values, &[0, 1, 2])),
            Atom::NoneOf(some(values, &[0])),
            Atom::NoneOf(some(values, &[1, 2])),
            Atom::NoneOf(some(values, &[3])),
            Atom::NotNull,
            Atom::Null,
        ]
    };
    let ranges = [
        (inc(0.5), open),
        (exc(0.5), inc(2.0)),
        (open, exc(0.5)),
        (open, inc(0.5)),
        (exc(1.0), exc(2.0)),
        (inc(2.0), inc(3.0)),
        (exc(2.0), open),
    ];
    let within = [(0, 3), (i64::MIN, 2), (2, i64::MAX), (4, 5), (-3, -3)];
    let of_texts = [lists(&texts), vec![like("a"), like("b")]].concat();
    let of_integers = [lists(&integers), within.map(|(low, high)| Atom::Within(low, high)).to_vec()].concat();
    let of_doubles = [lists(&doubles), ranges.map(|(low, high)| Atom::Range(low, high)).to_vec()].concat();
    vec![(of_texts, texts), (of_integers, integers), (of_doubles, doubles)]
}

/// Whether a value, or NULL, satisfies an atom.
fn is_so(atom: &Atom, value: Option<&Value>) -> bool {
    match value {
        Some(value) => holds(atom, value).expect("an atom about values of this sort"),
        None => atom == &Atom::Null,
    }
}

fn all_of(atoms: &[Atom], value: Option<&Value>) -> bool {
    atoms.iter().all(|atom| is_so(atom, value))
}

fn conjunction(atoms: &[&Atom]) -> Vec<Atom> {
    let mut conditions = Vec::new();
    for atom in atoms {
        add(&mut conditions, Condition::of("c", (*atom).clone()));
    }
    conditions.into_iter().map(|condition| condition.atom).collect()
}

#[test]
fn atoms_together_say_what_each_says() {
    for (atoms, values) in domains() {
        let values: Vec<Option<&Value>> = values.iter().map(Some).chain([None]).collect();
        for one in &atoms {
            for other in &atoms {
                for third in &atoms {
                    let both = conjunction(&[one, other, third]);
                    for &value in &values {
                        let wanted = is_so(one, value) && is_so(other, value) && is_so(third, value);
                        assert_eq!(all_of(&both, value), wanted, "{one:?} {other:?} {third:?} {both:?} {value:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn what_is_implied_holds() {
    for (atoms, values) in domains() {
        for known in &atoms {
            assert!(implies(known, known), "{known:?}");
            for wanted in &atoms {
                let broken = values.iter().find(|value| is_so(known, Some(value)) && !is_so(wanted, Some(value)));
                let is_null = known == &Atom::Null && wanted != &Atom::Null;
                assert!(!implies(known, wanted) || broken.is_none() && !is_null, "{known:?} {wanted:?} {broken:?}");
            }
        }
    }
}

#[test]
fn one_of_several_groups_implies_their_union_and_an_exact_one_says_no_more() {
    for (atoms, values) in domains() {
        let values: Vec<Option<&Value>> = values.iter().map(Some).chain([None]).collect();
        let pairs = atoms.iter().flat_map(|one| atoms.iter().map(move |other| conjunction(&[one, other])));
        let groups: Vec<Vec<Atom>> = pairs.filter(|group| !group.iter().any(is_empty)).collect();
        for one in &groups {
            for other in &groups {
                let (union, exact) = any_of(&[one.iter().collect(), other.iter().collect()]);
                for &value in &values {
                    let wanted = all_of(one, value) || all_of(other, value);
                    let found = all_of(&union, value);
                    assert!(found || !wanted, "{one:?} or {other:?} gives {union:?}, which {value:?} is not");
                    assert!(!exact || found == wanted, "{one:?} or {other:?} gives {union:?}, which {value:?} is");
                }
            }
        }
    }
}

#[test]
fn unions_that_one_atom_can_say_are_exact() {
    let (open, inc, exc) = (Bound::Unbounded, Bound::Included::<f64>, Bound::Excluded::<f64>);
    let union = |one: Atom, other: Atom| any_of(&[vec![&one], vec![&other]]);
    let none = |texts: &[&str]| Atom::NoneOf(texts.iter().map(|word| text(word)).collect());
    assert_eq!(union(none(&["a", "b"]), none(&["b", "c"])), (vec![none(&["b"])], true));
    assert_eq!(union(none(&["a", "b"]), Atom::OneOf(vec![text("a")])), (vec![none(&["b"])], true));
    assert_eq!(union(none(&["a"]), like("A")), (vec![Atom::NotNull], true));
    let (low, high) = (Atom::Range(open, exc(1.0)), Atom::Range(inc(1.0), inc(2.0)));
    assert_eq!(union(low.clone(), high), (vec![Atom::Range(open, inc(2.0))], true));
    assert_eq!(union(low.clone(), Atom::Range(exc(1.0), open)), (vec![Atom::NotNull], false));
    assert_eq!(union(low, Atom::OneOf(vec![Value::Double(1.0)])), (vec![Atom::Range(open, inc(1.0))], true));
    let whole = Atom::NoneOf(vec![Value::Integer(5)]);
    assert_eq!(union(Atom::Within(i64::MIN, 4), Atom::Within(6, i64::MAX)), (vec![whole], true));
}

#[test]
fn text_and_number_at_one_path_tell_nothing_of_each_other() {
    let (word, number) = (Atom::OneOf(vec![text("5")]), Atom::OneOf(vec![Value::Integer(5)]));
    assert_eq!(meet(&word, &number), None);
    assert!(!implies(&word, &number));
    assert_eq!(any_of(&[vec![&word], vec![&number]]), (vec![Atom::NotNull], false));
    let range = Atom::Range(Bound::Included(5.0), Bound::Unbounded);
    assert_eq!(meet(&number, &range), None);
    assert_eq!(any_of(&[vec![&Atom::Within(1, 3)], vec![&range]]), (vec![Atom::NotNull], false));
}
