//! Providers: addresses, credentials, bounds.

use std::collections::BTreeMap;

use bartizan_core::id::Name;
use bartizan_core::settings::{Provider, ProviderKind};

use crate::compile::Compiler;
use crate::compile::urls::PlainHttp;
use crate::error::Problem;
use crate::file::provider::{AnthropicFile, AzureFile, DemoFile, OpenAiFile, ProviderFile};
use crate::located::Located;
use crate::snippet::quote;

/// Address of OpenAI.
const OPENAI: &str = "https://api.openai.com/v1";
/// Address of Anthropic.
const ANTHROPIC: &str = "https://api.anthropic.com";
/// Bytes per streamed chunk of the demo provider: small, so that streams can be seen.
const CHUNK_BYTES: u64 = 5;
/// Largest chunk of the demo provider.
const CHUNK_BYTES_MAX: u64 = 65_536;

impl Compiler<'_, '_> {
    pub(super) fn providers(
        &mut self,
        file: &BTreeMap<Located<String>, Located<ProviderFile>>,
    ) -> BTreeMap<Name, Provider> {
        let mut providers = BTreeMap::new();
        for (key, provider) in file {
            let kind = self.kind(&provider.value);
            let name = self.name(key, "provider");
            if let (Some(name), Some(kind)) = (name, kind) {
                providers.insert(name, Provider { kind });
            }
        }
        providers
    }

    fn kind(&mut self, file: &ProviderFile) -> Option<ProviderKind> {
        match file {
            ProviderFile::OpenAi(file) => self.openai(file),
            ProviderFile::OpenAiCompatible(file) => {
                let plain_http = PlainHttp::when(file.danger_allow_plain_http);
                let base_url =
                    self.base_url(&file.base_url.value.0, file.base_url.place, plain_http);
                let api_key = match &file.api_key {
                    Some(key) => Some(self.secret("api-key", key)?),
                    None => None,
                };
                Some(ProviderKind::OpenAi { base_url: base_url?, api_key })
            }
            ProviderFile::AzureOpenAi(file) => self.azure(file),
            ProviderFile::Anthropic(file) => self.anthropic(file),
            ProviderFile::Databricks(file) => {
                let plain_http = PlainHttp::when(file.danger_allow_plain_http);
                let host = self.host_url(&file.host.value.0, file.host.place, plain_http);
                let token = self.secret("token", &file.token);
                Some(ProviderKind::Databricks { host: host?, token: token? })
            }
            ProviderFile::Demo(file) => self.demo(file),
        }
    }

    fn openai(&mut self, file: &OpenAiFile) -> Option<ProviderKind> {
        let plain_http = PlainHttp::when(file.danger_allow_plain_http);
        let base_url = match &file.base_url {
            Some(url) => self.base_url(&url.value.0, url.place, plain_http),
            None => Some(OPENAI.to_owned()),
        };
        let api_key = self.secret("api-key", &file.api_key);
        Some(ProviderKind::OpenAi { base_url: base_url?, api_key: Some(api_key?) })
    }

    fn azure(&mut self, file: &AzureFile) -> Option<ProviderKind> {
        let plain_http = PlainHttp::when(file.danger_allow_plain_http);
        let base_url = self.base_url(&file.base_url.value.0, file.base_url.place, plain_http);
        let api_key = self.secret("api-key", &file.api_key);
        let api_version = &file.api_version.value;
        // It becomes part of the query of each request.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
        if api_version.is_empty() || api_version.len() > 64 || !api_version.bytes().all(is_plain) {
            let message = format!("{} is not a version of the Azure API", quote(api_version));
            let help = "write a version such as `api-version: 2024-10-21`";
            self.report(Problem::new(file.api_version.place, message).help(help));
            return None;
        }
        Some(ProviderKind::AzureOpenAi {
            base_url: base_url?,
            api_version: api_version.clone(),
            api_key: api_key?,
        })
    }

    fn anthropic(&mut self, file: &AnthropicFile) -> Option<ProviderKind> {
        let plain_http = PlainHttp::when(file.danger_allow_plain_http);
        let base_url = match &file.base_url {
            Some(url) => self.base_url(&url.value.0, url.place, plain_http),
            None => Some(ANTHROPIC.to_owned()),
        };
        let api_key = self.secret("api-key", &file.api_key);
        let base_url = base_url?;
        // Clients of this API add `/v1` themselves, and people write it in either place.
        let base_url = base_url.strip_suffix("/v1").unwrap_or(&base_url).to_owned();
        Some(ProviderKind::Anthropic { base_url, api_key: api_key? })
    }

    fn demo(&mut self, file: &DemoFile) -> Option<ProviderKind> {
        let bytes = file.chunk.as_ref().map_or(CHUNK_BYTES, |chunk| chunk.value);
        if !(1..=CHUNK_BYTES_MAX).contains(&bytes) {
            let place = file.chunk.as_ref().and_then(|chunk| chunk.place);
            let message = format!("`chunk` is {bytes}, outside 1 to 65536");
            self.report(Problem::new(place, message).help("write `chunk: 5`"));
            return None;
        }
        Some(ProviderKind::Demo { chunk_bytes: bytes as usize })
    }
}
