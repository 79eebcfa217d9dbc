//! Searches: what is asked for, and what was found.

use crate::domain::filter::Filter;
use crate::domain::search::{FoundDashboard, MatchedField, ResultLimit, SearchDashboards, SearchQuery, SearchResults};
use crate::domain::violation::Violations;
use crate::grpc::proto;

use super::dashboard::present_written;

/// Parses all of a search request but its parent, which was authorised before.
pub fn parse_search(request: &proto::SearchDashboardsRequest) -> Result<SearchDashboards, Violations> {
    let mut wrong = Violations::default();
    let query = wrong.note(SearchQuery::parse("query", &request.query));
    let filter = wrong.note(Filter::parse("filter", &request.filter));
    let limit = wrong.note(ResultLimit::parse("page_size", request.page_size));
    match (query, filter, limit) {
        (Some(query), Some(filter), Some(limit)) => Ok(SearchDashboards { query, filter, limit }),
        _ => Err(wrong),
    }
}

/// Presents what was found.
pub fn present_results(results: SearchResults) -> proto::SearchDashboardsResponse {
    proto::SearchDashboardsResponse {
        results: results.found.into_iter().map(present_result).collect(),
        truncated: results.truncated,
    }
}

fn present_result(found: FoundDashboard) -> proto::SearchResult {
    let fields = found.matched_fields.into_iter().map(MatchedField::as_str);
    proto::SearchResult {
        dashboard: Some(present_written(found.dashboard)),
        score: found.score,
        matched_fields: fields.map(str::to_owned).collect(),
    }
}
