//! What has to survive between two builds: the seed of ids, the position, the tokens made.

use std::path::{Path, PathBuf};

use aeolus_api::fleet::Fleet;
use aeolus_model::{Resource, Rng, Role, TokenId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::files;
use crate::report::Failure;

const FILE: &str = "state.json";

/// The state, in `state.json` of the keys folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct State {
    /// What ids are derived from, base64url.
    seed: String,
    /// The position of the last snapshot: each build takes the next.
    pub(crate) seq: u64,
    /// The document of the last build: what tokens may be made for.
    pub(crate) fleet: Fleet,
    /// API tokens made here. Their values are kept nowhere.
    pub(crate) tokens: Vec<StoredToken>,
    #[serde(skip)]
    path: PathBuf,
}

/// An API token's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct StoredToken {
    /// Its id.
    pub(crate) id: TokenId,
    /// Its organization's name.
    pub(crate) organization: String,
    /// Its name.
    pub(crate) name: String,
    /// Where it holds.
    pub(crate) resource: Resource,
    /// What it may do there.
    pub(crate) role: Role,
    /// Its place in the status list.
    pub(crate) index: u32,
}

impl State {
    /// Reads the state of a keys folder, or begins one.
    pub(crate) fn open(folder: &Path, rng: &dyn Rng) -> Result<Self, Failure> {
        let path = folder.join(FILE);
        if let Some(bytes) = files::read(&path)? {
            let mut state: Self =
                serde_json::from_slice(&bytes).map_err(|error| files::damaged(&path, &error))?;
            state.path = path;
            return Ok(state);
        }
        let mut seed = [0; 32];
        rng.fill(&mut seed);
        Ok(Self {
            seed: URL_SAFE_NO_PAD.encode(seed),
            seq: 0,
            fleet: Fleet::default(),
            tokens: Vec::new(),
            path,
        })
    }

    /// Writes it.
    pub(crate) fn save(&self) -> Result<(), Failure> {
        let json =
            serde_json::to_vec_pretty(self).map_err(|error| files::damaged(&self.path, &error))?;
        files::write_private(&self.path, &json)
    }

    /// What ids are derived from.
    pub(crate) fn seed(&self) -> Result<[u8; 32], Failure> {
        let bytes = URL_SAFE_NO_PAD.decode(&self.seed).ok();
        let seed = bytes.and_then(|bytes| bytes.try_into().ok());
        seed.ok_or_else(|| files::damaged(&self.path, &"its seed has not 32 bytes"))
    }
}
