use super::*;

/// Stands for the program; it keeps each entry in a file beside itself.
const STAND_IN: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/src/credentials/keychain/macos/security.py"
);

fn keychain(folder: &Path, line: usize) -> LoginKeychain {
    let program = folder.join("security");
    std::os::unix::fs::symlink(STAND_IN, &program).unwrap();
    std::fs::write(folder.join("line"), line.to_string()).unwrap();
    LoginKeychain { program }
}

#[tokio::test]
async fn a_sign_in_is_kept_found_replaced_and_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let keychain = keychain(folder.path(), 4096);
    let path = Path::new("/srv/a \"b\" \\c/credentials.json");
    assert!(keychain.look_up(path).await.unwrap().is_none());
    for text in ["{\"access_token\": \"first\"}", "second 'one'"] {
        let secret = Secret::new(text.to_owned());
        keychain.keep(path, &secret).await.unwrap();
        let kept = keychain.look_up(path).await.unwrap().unwrap();
        assert_eq!(kept.expose(), text);
    }
    assert!(
        keychain
            .look_up(Path::new("/other"))
            .await
            .unwrap()
            .is_none()
    );
    keychain.forget(path).await.unwrap();
    keychain.forget(path).await.unwrap();
    assert!(keychain.look_up(path).await.unwrap().is_none());
    let seen = std::fs::read_to_string(folder.path().join("seen")).unwrap();
    assert!(seen.contains("-i\n"));
    assert!(
        !seen.contains(&URL_SAFE_NO_PAD.encode("second")[..6]),
        "{seen}"
    );
}

#[tokio::test]
async fn what_is_cut_off_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let keychain = keychain(folder.path(), 120);
    let path = Path::new("/srv/ann/credentials.json");
    let secret = Secret::new("x".repeat(400));
    let refused = keychain.keep(path, &secret).await.unwrap_err();
    assert!(matches!(refused, KeychainError::Refused(_)), "{refused}");
    assert!(keychain.look_up(path).await.unwrap().is_none());
}

#[tokio::test]
async fn without_the_program_there_is_no_keychain() {
    let keychain = LoginKeychain {
        program: "/nowhere/security".into(),
    };
    let refused = keychain.look_up(Path::new("/a")).await.unwrap_err();
    assert!(matches!(refused, KeychainError::Missing { .. }));
}
