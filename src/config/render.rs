//! What `template render` runs with.

use std::fs;

use super::args::RenderArgs;
use super::client::ClientConfig;
use super::export::FileFormat;
use super::problem::{ConfigErrors, Reader};

/// The checked configuration of `template render`.
#[derive(Debug, Clone)]
pub struct RenderConfig {
    /// Where the service is.
    pub client: ClientConfig,
    /// The resource name of the template, which the service checks.
    pub name: String,
    /// The parameters of the command line, with values as they were typed.
    pub parameters: Vec<(String, String)>,
    /// The text of the file with parameters, JSON or YAML.
    pub parameters_file: Option<String>,
    /// How the spec is printed.
    pub output: FileFormat,
}

impl RenderConfig {
    /// Checks the options.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn from_args(args: RenderArgs) -> Result<Self, ConfigErrors> {
        let RenderArgs {
            name,
            param,
            params_file,
            output,
            client,
        } = args;
        let mut reader = Reader::default();
        let client = ClientConfig::read(&mut reader, client);
        let parse = |text| reader.read("--param", Some(text), parameter);
        let parameters = param.into_iter().filter_map(parse).collect();
        let parameters_file = reader.read("--params-file", params_file, |path| {
            fs::read_to_string(path).map_err(|error| format!("can't be read: {error}"))
        });
        let output = reader.read("--output", output, FileFormat::parse);
        reader.finish(client.map(|client| Self {
            client,
            name: full_name(name),
            parameters,
            parameters_file,
            output: output.unwrap_or(FileFormat::Json),
        }))
    }
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("must be KEY=VALUE".to_owned()),
    }
}

/// Makes the resource name of an id that stands alone: the templates that come with the service are meant most often.
fn full_name(name: String) -> String {
    match name.contains('/') {
        true => name,
        false => format!("templates/{name}"),
    }
}
