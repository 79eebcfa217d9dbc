//! The options of the commands that are clients of a running service.

use clap::{Args, Subcommand};

pub(super) const IMPORT_HELP: &str = "\
A PATH is a file, a folder with all that is below it (*.json, *.yaml, *.yml), or
- for standard input. Each document is a Dashboard of Perses or a
PersesDashboard of perses-operator; a file can hold several. In a file database
of Perses the dashboards go in, and other resources are passed over. What
begins with a dot is passed over, too.

Exit codes: 0 everything went in, or was left as --on-conflict says;
1 something was refused or failed; 2 the command line is wrong.

Examples:
  What would happen:
    dashboard-store import --dry-run --on-conflict update perses/
  All of a file database of Perses, or nothing:
    dashboard-store import --atomic /var/lib/perses
  Files that name no project:
    dashboard-store import --project ml *.yaml";

pub(super) const EXPORT_HELP: &str = "\
Layouts:
  perses  a file database that Perses can be started on:
          dashboards/<project>/<name>.yaml and projects/<project>.yaml, with
          names in lower case, as Perses has them unless its database is
          case_sensitive; DIR should be in lower case, too, or Perses 0.54
          lists nothing
  files   <project>/<name>.yaml, with names as they are

Exit codes: 0 everything is written; 1 something failed; 2 the command line is
wrong. What was exported is put in place when all of it is there.";

pub(super) const RENDER_HELP: &str = "\
The value of --param is text where the parameter is a STRING, an ENUM or a
DURATION, decimal digits where it is an INT, and JSON where it is a NUMBER or a
BOOL.

Example:
  dashboard-store template render model-serving --param namespace=ml";

/// Where the service is, and how it is called.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Service")]
pub struct ClientArgs {
    /// The address of the service. With https:// the connection is encrypted. [default: http://127.0.0.1:50051]
    #[arg(long, env = "DASHBOARD_STORE_ADDR", global = true, value_name = "URL")]
    pub addr: Option<String>,
    /// A file with the token that proves who calls; the end of its line is not part of it
    #[arg(long, env = "DASHBOARD_STORE_TOKEN_FILE", global = true, value_name = "FILE")]
    pub token_file: Option<String>,
    /// The authorities that the certificate of the service must come from, as PEM. [default: those of the system]
    #[arg(long, env = "DASHBOARD_STORE_CA_FILE", global = true, value_name = "FILE")]
    pub ca_file: Option<String>,
    /// The client certificate, as PEM
    #[arg(long, env = "DASHBOARD_STORE_CERT_FILE", global = true, value_name = "FILE")]
    pub cert_file: Option<String>,
    /// The key of the client certificate, as PEM
    #[arg(long, env = "DASHBOARD_STORE_KEY_FILE", global = true, value_name = "FILE")]
    pub key_file: Option<String>,
}

/// The options of `import`.
#[derive(Debug, Default, Args)]
pub struct ImportArgs {
    /// Files, folders, or - for standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<String>,
    /// The project of documents that name none
    #[arg(long, value_name = "PROJECT")]
    pub project: Option<String>,
    /// The project of all documents in files whose path matches the pattern, whatever they name themselves; * stands for any
    /// characters, / too. Can be repeated: the first that matches counts
    #[arg(long, value_name = "PATTERN=PROJECT")]
    pub project_for: Vec<String>,
    /// What to do where a dashboard of the name exists with other content: skip it, update it, or fail. [default: fail]
    #[arg(long, value_name = "POLICY")]
    pub on_conflict: Option<String>,
    /// Let everything in, or nothing
    #[arg(long)]
    pub atomic: bool,
    /// Check everything and show what would be done, but store nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Why, for the history of each dashboard
    #[arg(long, value_name = "TEXT")]
    pub change_note: Option<String>,
    /// Where the service is, and how it is called.
    #[command(flatten)]
    pub client: ClientArgs,
}

/// The options of `export`.
#[derive(Debug, Default, Args)]
pub struct ExportArgs {
    /// The folder to write to; it must be empty, or is made
    #[arg(value_name = "DIR")]
    pub directory: String,
    /// How files are laid out: perses or files. [default: perses]
    #[arg(long, value_name = "LAYOUT")]
    pub layout: Option<String>,
    /// How files are written: yaml or json. [default: yaml]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Only the dashboards of this project. [default: all that may be read]
    #[arg(long, value_name = "PROJECT")]
    pub project: Option<String>,
    /// Only the dashboards that match, in the syntax of ListDashboards: tags:"gpu" AND update_time > "2026-01-01T00:00:00Z"
    #[arg(long, value_name = "FILTER")]
    pub filter: Option<String>,
    /// Write into a folder that holds files: those of the same name are replaced, others stay
    #[arg(long)]
    pub overwrite: bool,
    /// Write when each dashboard was created and changed, and its version, as Perses does. Two exports of equal dashboards
    /// are different then
    #[arg(long)]
    pub with_record: bool,
    /// Where the service is, and how it is called.
    #[command(flatten)]
    pub client: ClientArgs,
}

/// The options of `template`.
#[derive(Debug, Args)]
pub struct TemplateArgs {
    /// What to do with a template.
    #[command(subcommand)]
    pub action: TemplateAction,
}

/// What `dashboard-store template` does.
#[derive(Debug, Subcommand)]
pub enum TemplateAction {
    /// Print the spec of the dashboard that a template makes of these values; nothing is stored
    #[command(after_long_help = RENDER_HELP)]
    Render(Box<RenderArgs>),
}

/// The options of `template render`.
#[derive(Debug, Default, Args)]
pub struct RenderArgs {
    /// The template: templates/ID, projects/PROJECT/templates/ID, or ID alone for one that comes with the service
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The value of a parameter. Can be repeated; wins over the file
    #[arg(long, value_name = "KEY=VALUE")]
    pub param: Vec<String>,
    /// A file with values: an object of JSON or YAML
    #[arg(long, value_name = "FILE")]
    pub params_file: Option<String>,
    /// How the spec is printed: json or yaml. [default: json]
    #[arg(long, value_name = "FORMAT")]
    pub output: Option<String>,
    /// Where the service is, and how it is called.
    #[command(flatten)]
    pub client: ClientArgs,
}
