//! The syntax of a route's pattern: `/<org>/tasks/<rest..>?<page>&all`.

use std::borrow::Cow;
use std::fmt;

use rocket::Route;

/// The segment that names a user unless the attribute says otherwise.
pub(crate) const USER_ID: &str = "user_id";

/// The pattern of a route, or of a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pattern<'p> {
    path: &'p str,
    query: &'p str,
}

/// One part of a pattern: a segment of its path, or a field of its query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Segment<'p> {
    /// `tasks`, as it is in the pattern: percent-encoded.
    Static(&'p str),
    /// `<user_id>`.
    Dynamic(&'p str),
    /// `<rest..>`.
    Trailing(&'p str),
}

/// Where a pattern has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In one segment of the path, at this position.
    Segment(usize),
    /// In a trailing parameter.
    Trailing,
    Query,
}

impl<'p> Pattern<'p> {
    pub(crate) fn parse(pattern: &'p str) -> Self {
        let (path, query) = pattern.split_once('?').unwrap_or((pattern, ""));
        Self { path, query }
    }

    /// Returns the whole pattern of a route, with its mount point.
    pub(crate) fn mounted(route: &'p Route) -> Self {
        Self { path: route.uri.path(), query: route.uri.query().unwrap_or_default() }
    }

    /// Returns the pattern after the mount point: its positions are those that
    /// `Request::param` counts.
    pub(crate) fn unmounted(route: &'p Route) -> Self {
        let origin = &route.uri.unmounted_origin;
        let query = origin.query().map_or("", |query| query.as_str());
        Self { path: origin.path().as_str(), query }
    }

    /// Iterates over the segments of the path. Rocket skips empty ones, and so does this.
    pub(crate) fn segments(self) -> impl Iterator<Item = Segment<'p>> {
        self.path.split('/').filter(|segment| !segment.is_empty()).map(Segment::parse)
    }

    /// Iterates over the fields of the query.
    pub(crate) fn fields(self) -> impl Iterator<Item = Segment<'p>> {
        self.query.split('&').filter(|field| !field.is_empty()).map(Segment::parse)
    }

    /// Returns the query as it is written.
    pub(crate) fn query(self) -> &'p str {
        self.query
    }

    /// Finds a name. A segment comes before a trailing parameter, and that before the query.
    pub(crate) fn place_of(self, name: &str) -> Option<Place> {
        let position = |wanted| self.segments().position(|segment| segment == wanted);
        let is_in_query = || self.fields().any(|field| field.name() == Some(name));
        position(Segment::Dynamic(name))
            .map(Place::Segment)
            .or_else(|| position(Segment::Trailing(name)).map(|_| Place::Trailing))
            .or_else(|| is_in_query().then_some(Place::Query))
    }

    /// Returns the position of `<name>` in the path, if it is one segment.
    pub(crate) fn position(self, name: &str) -> Option<usize> {
        match self.place_of(name) {
            Some(Place::Segment(position)) => Some(position),
            Some(Place::Trailing | Place::Query) | None => None,
        }
    }

    /// Returns `true` if Rocket would route a path of these segments here, by the path
    /// alone. The segments are percent-decoded.
    #[allow(dead_code, reason = "`explain` still has its own")]
    pub(crate) fn leads_to<'a>(self, path: impl IntoIterator<Item = &'a str>) -> bool {
        let mut segments = self.segments();
        for asked in path {
            match segments.next() {
                Some(Segment::Trailing(_)) => return true,
                Some(Segment::Dynamic(_)) => {}
                Some(Segment::Static(segment)) if segment == asked => {}
                Some(Segment::Static(_)) | None => return false,
            }
        }
        matches!(segments.next(), None | Some(Segment::Trailing(_)))
    }

    /// Returns the path with each segment replaced, and its slashes as they are.
    #[allow(dead_code, reason = "`attack_all` and `openapi` still have their own")]
    pub(crate) fn fill(self, value: impl Fn(Segment<'p>) -> Cow<'p, str>) -> String {
        let fill = |segment: &'p str| match segment {
            "" => Cow::Borrowed(""),
            segment => value(Segment::parse(segment)),
        };
        self.path.split('/').map(fill).collect::<Vec<_>>().join("/")
    }
}

impl<'p> Segment<'p> {
    fn parse(text: &'p str) -> Self {
        let name = text.strip_prefix('<').and_then(|text| text.strip_suffix('>'));
        match name.map(|name| (name, name.strip_suffix(".."))) {
            None => Self::Static(text),
            Some((name, None)) => Self::Dynamic(name),
            Some((_, Some(name))) => Self::Trailing(name),
        }
    }

    /// Returns the name of a dynamic or trailing segment.
    pub(crate) fn name(self) -> Option<&'p str> {
        match self {
            Self::Static(_) => None,
            Self::Dynamic(name) | Self::Trailing(name) => Some(name),
        }
    }
}

impl fmt::Display for Segment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Static(segment) => f.write_str(segment),
            Self::Dynamic(name) => write!(f, "<{name}>"),
            Self::Trailing(name) => write!(f, "<{name}..>"),
        }
    }
}

#[cfg(test)]
mod tests {
    use rocket::http::Method;
    use rocket::route::dummy_handler;

    use super::*;

    #[test]
    fn a_pattern_has_segments_and_fields() {
        let pattern = Pattern::parse("/a//<b>/<c..>?<d>&<e..>&f=1");
        let segments: Vec<_> = pattern.segments().collect();
        assert_eq!(segments, [Segment::Static("a"), Segment::Dynamic("b"), Segment::Trailing("c")]);
        let fields: Vec<_> = pattern.fields().collect();
        assert_eq!(fields, [Segment::Dynamic("d"), Segment::Trailing("e"), Segment::Static("f=1")]);
        assert_eq!(Pattern::parse("/").segments().count(), 0);
        assert_eq!(Pattern::parse("/a").fields().count(), 0);
        for text in ["a", "<b>", "<c..>"] {
            assert_eq!(Segment::parse(text).to_string(), text);
        }
    }

    #[test]
    fn a_name_has_a_place() {
        let pattern = Pattern::parse("/a/<b>/<c..>?<d>&<e..>&b");
        let places = ["a", "b", "c", "d", "e", "f"].map(|name| pattern.place_of(name));
        let in_query = Some(Place::Query);
        let (segment, trailing) = (Some(Place::Segment(1)), Some(Place::Trailing));
        assert_eq!(places, [None, segment, trailing, in_query, in_query, None]);
        assert_eq!((pattern.position("b"), pattern.position("c")), (Some(1), None));
    }

    #[test]
    fn positions_count_from_the_mount_point() {
        let route = Route::new(Method::Get, "/<user_id>/tasks?<page>", dummy_handler);
        let route = route.map_base(|_| "/api/v1".to_owned()).expect("a mount point");
        assert_eq!(Pattern::unmounted(&route).position(USER_ID), Some(0));
        assert_eq!(Pattern::mounted(&route).position(USER_ID), Some(2));
        assert_eq!(Pattern::unmounted(&route).query(), "<page>");
        assert_eq!(Pattern::mounted(&route).query(), "<page>");
    }

    #[test]
    fn a_path_leads_to_a_pattern_or_not() {
        let leads = |pattern, path: &[&str]| Pattern::parse(pattern).leads_to(path.iter().copied());
        assert!(leads("/<a>/x", &["any", "x"]));
        assert!(!leads("/<a>/x", &["any"]));
        assert!(!leads("/<a>/x", &["any", "y"]));
        assert!(!leads("/<a>/x", &["any", "x", "y"]));
        assert!(leads("/a/<rest..>", &["a"]));
        assert!(leads("/a/<rest..>", &["a", "b", "c"]));
        assert!(leads("/", &[]));
    }

    #[test]
    fn a_path_is_filled_in() {
        let fill = |segment: Segment<'static>| match segment {
            Segment::Static(segment) => segment.into(),
            Segment::Dynamic(name) | Segment::Trailing(name) => format!("{{{name}}}").into(),
        };
        assert_eq!(Pattern::parse("/a/<b>/<c..>?<d>").fill(fill), "/a/{b}/{c}");
        assert_eq!(Pattern::parse("/a/").fill(fill), "/a/");
        assert_eq!(Pattern::parse("/").fill(fill), "/");
    }
}
