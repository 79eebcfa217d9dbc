//! InstantiateTemplate.

use scoped_futures::ScopedFutureExt as _;

use super::SPEC;
use super::read::read;
use crate::access::Access;
use crate::domain::dashboard::{Content, Dashboard};
use crate::domain::labels::Labels;
use crate::domain::mutation::template::InstantiateTemplate;
use crate::domain::template::{Template, TemplateOrigin, render};
use crate::error::{Error, Result};
use crate::store::Store;
use crate::store::dashboard::create::name_taken;
use crate::store::mutate::Mutation;

impl Store {
    /// Makes a dashboard of a template: renders it with the values that the caller gives, and notes where it came from. The
    /// template is read in the same transaction, so a repeated call gets the first answer also when the template has changed
    /// or gone.
    ///
    /// `_template_access` is the proof for the template, `access` the one for the dashboard's project.
    ///
    /// # Errors
    /// `TEMPLATE_NOT_FOUND`; what is wrong with the values, or with the document that they make; `DASHBOARD_EXISTS` and its
    /// like when the name is taken.
    pub async fn instantiate_template(
        &self,
        _template_access: &Access,
        access: &Access,
        instantiate: InstantiateTemplate,
    ) -> Result<Dashboard> {
        let options = &instantiate.options;
        let mutation = Mutation::new("InstantiateTemplate", access, options, instantiate.fingerprint());
        let request = &instantiate;
        let answered = self
            .mutate(mutation, |tx| {
                async move {
                    let template = read(tx, &request.template).await?;
                    let (content, origin) = rendered(&template, request)?;
                    let writer = self.writer(access, request.change_note.as_str());
                    match writer.insert(tx, &request.dashboard, &content, Some(&origin)).await? {
                        Some(dashboard) => Ok(dashboard),
                        None => Err(name_taken(tx, &request.dashboard).await?),
                    }
                }
                .scope_boxed()
            })
            .await?;
        self.completed(answered).await
    }
}

/// The content of the dashboard, and where it comes from.
fn rendered(template: &Template, request: &InstantiateTemplate) -> Result<(Content, TemplateOrigin)> {
    let spec = template.spec.as_deref();
    let text = spec.ok_or_else(|| Error::internal(format!("no column {SPEC} was read")))?;
    let rendered = render(&template.parameters, text, &request.parameters, &request.limits)?;
    let content = Content {
        spec: rendered.spec,
        tags: request.tags.clone(),
        labels: Labels::default(),
    };
    let origin = TemplateOrigin {
        template: template.name.clone(),
        template_revision: template.revision,
        parameters: rendered.parameters,
    };
    Ok((content, origin))
}
