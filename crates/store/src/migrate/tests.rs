use std::fmt::Write as _;

use super::narrowing::narrowing;
use super::*;

/// SHA-384 of each released migration. A line is added with a migration and never changed:
/// databases in the field remember these sums and refuse a program with others.
const RELEASED: [(i64, &str); 33] = [
    (
        1,
        "f2074e874d90f8f71f54b0200653d2bdd77b68c7cdb4db034cef4e3372a83828dbc03e623e8d7a89b769ab16d0fb7a43",
    ),
    (
        2,
        "544e74ab631a75ee6e5297100cedfc106d5a895c04e1699264407842af39e26b9bd3c2f13787472ffabf88ed6182fa88",
    ),
    (
        3,
        "3ca524f2dfcdedccbd0a7e25e4a95c766779b03ec014b6d56c44157bdf66924527b7bc6c92fffc077bbdf1481797e53a",
    ),
    (
        4,
        "e90c1a5b1f272da210d1d32094655ebb4d693e5c4756633f10f42f27c741467cc82b60c086aba57e487881275ff3ef72",
    ),
    (
        5,
        "68b299936f8654dce25256a824a81067b8667e6422cf76af8dfce43b5feb045a18c0c886abe45b37b703f09d28f2398a",
    ),
    (
        6,
        "c3a5f8abc825bd8280b4322d09c279aeb36bf2c21978ce829bb967407908d4ec5964efbf92817f92f71f919b06714600",
    ),
    (
        7,
        "97acd60c1e1904dbd0df109f2777106cdd42e81d162203e778ee957607e09a9f7aa624429a0ca8c3dc9c2df3d45c8967",
    ),
    (
        8,
        "b77b34dec1e44fcc55ab62ded54ba41ff2e93743a99fa2a6a368889cc9bd4fe2405fab4f58234e3b9776a9a52e7312b9",
    ),
    (
        9,
        "3610199cd1b6ada231885a33e5b28fa3f17495bbd9f2998a46b145013dd915888e4a71045d31f734c8284e40831c1618",
    ),
    (
        10,
        "b1253b95cb1aba450183a674bc151bb90ce6897e00ea2e0b08458ad31b4acba561f55a9bac2467bcfd67371dd6b5a26b",
    ),
    (
        11,
        "87f564d05abcf57e80b1b9e53c7f3cf7020b3fc3bdee92817cf7dcbcb1ea84228b6e47ab4b2f0407b34738dcb27bcbc7",
    ),
    (
        12,
        "a585c46c1d32c76785ab242311c52d6c5942b6514c5370b850411f50e944389ad5305e2efc05010100a7496253515fa6",
    ),
    (
        13,
        "bb12ff64dffdbdd7b750c166d8670584841c81bbb6ff3d3e50b7fb75b002597d06660e5a37f3ed21fd909c6dcce79108",
    ),
    (
        14,
        "ff09d76ce569b448726dd50ff7683174f4b76f4d56e515e1badf489d79cb5f72920f37749905a7dcb40f8ee91e18dd81",
    ),
    (
        16,
        "4f3bb192c92cf8f1beff716529e8653385b3bda858e124576967d519ee180ac0acadbce0718350b0a0e52693631a77b6",
    ),
    (
        18,
        "47222c8925ff519bc27669ce05caedc3d9ab1ee96bc29bc97ddcdb829c9508e647e1724dcdceda9dad89f40425d75d80",
    ),
    (
        19,
        "4e4c07407ba35db078bdf6f02f82c58b3216037230423ff684c47a4b712109c0781c56b34832df04c8409d6006a4f984",
    ),
    (
        20,
        "93ad7b03f9fb23c22e60c71c290f8dd6406e5dba4ad46d3d93972fcfcd397a204ac1ad011f5f58a9c79d759ab60eb1b7",
    ),
    (
        21,
        "0fc1c23125836117e71b4e60205dc45649bf2a7dc2f66eb89dc226160f6344a358bfe3d5c812b6d0c08416a28eac12bb",
    ),
    (
        24,
        "c7d183259a37d064c16ba2a5419ce696563b91196301c1d0b1007b628607a1e4c7a51deef273bcc2a29345e01fd0eab2",
    ),
    (
        25,
        "5dc5c40005e940f7d10b1d6b4407428908b81de74ff9cfca87b605baa5e1efb090bbc094b1861bc4474389f1c1dab623",
    ),
    (
        26,
        "7d71be5c2f6092818d414b0e88ec1ed4619e3096e8ea95c6871d638edf708cb91e18e3fab639f1d691faeaee35586fb2",
    ),
    (
        27,
        "881a688b62d686e59df0348cf4cdefc7653c4cad788373e0c5609c3d5be43038938ae2c598a1b9c3c585109d96887f51",
    ),
    (
        29,
        "17cd05483bc1d918f4fdba5e54d1ee12c0257e932b2f7a927ea735f6935183be0f3bc14e938c4d0ec78577dca2652bc7",
    ),
    (
        30,
        "ae4185829b54f600565e183fec4a83c37bc6df4bf08829e0207ff2f437742332f746cb7292772ab6f9c5cedddca467ce",
    ),
    (
        31,
        "517ec9ddd8734f4b7e164f45769b3f6b3ffd5f868fe07c14ca84ddf76e22f08070e7106cd749ca4ffe103bdbefafe857",
    ),
    (
        32,
        "c3efbaea4e4216429edffcdc0e1b54e01bb077fae4e3a162c2b6b17398155289efad7307e11df4b97e3e7ce03cd4d0e4",
    ),
    (
        33,
        "f2c9ea94e4354bee30eaa6cf3032d04a8a9b42c116962f48ac115d2ab6061a18e43f29e6cd6d2839b95b006d492bf3e6",
    ),
    (
        34,
        "09d6d3c8f2b09fef84450bbad053cec495dda7c6b0860ba26dee55d714d58b04595b1e8da3b65e01d906be58fe4d60ad",
    ),
    (
        35,
        "0ebd5f797aa4960018c2d823aec3dea65bd89b7e2d3666dbdd045cdac90bfd1fe634bd8be3b9ff4848fba383197a2d38",
    ),
    (
        36,
        "bf7ff4435e0d082ae1e653943e9110e253b3852e61b2c47a3bb21b7294670818f6db621bf4c625460b1dc358ec93951f",
    ),
    (
        37,
        "7ddd6039a01c95db6643e1b89f6318c529e4cf2337f6b9ac817f10c13f3c5495d357c3fffb0e24a0ed5355ee0b55f70d",
    ),
    (
        38,
        "e5feb17035c1d2764ac959bdd22c19e71b4fb21327a70ec2f04bf90dc1e2065fa07867c65e716dbe76be99b4cdc9500d",
    ),
];

#[test]
fn released_migrations_never_change() {
    let migrator = migrator();
    let sums = migrator.iter().map(|migration| {
        let hex = migration
            .checksum
            .iter()
            .fold(String::new(), |mut hex, byte| {
                write!(hex, "{byte:02x}").unwrap();
                hex
            });
        (migration.version, hex)
    });
    let released = RELEASED.map(|(version, sum)| (version, sum.to_owned()));
    assert_eq!(sums.collect::<Vec<_>>(), released);
    assert_eq!(known(), 38);
}

/// What a migration says of older programs is true as far as its text tells.
#[test]
fn f66_every_migration_says_which_programs_work_with_it() {
    for (version, name, sql) in MIGRATIONS
        .iter()
        .filter(|(version, ..)| *version >= READERS)
    {
        let said = format!("INSERT INTO schema_readers (version, oldest) VALUES ({version}, ");
        let oldest = sql.split_once(&said).map(|(_, rest)| rest);
        let oldest = oldest.and_then(|rest| rest.split_once(')')?.0.parse::<i64>().ok());
        let oldest = oldest.unwrap_or_else(|| panic!("{name} names no oldest program: {said}"));
        assert!((READERS..=*version).contains(&oldest), "{name}: {oldest}");
        if oldest < *version {
            assert_eq!(narrowing(sql), None, "{name} keeps no program of {oldest}");
        }
    }
}
