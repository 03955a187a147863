//! The user (RFC 7643 §§4.1 and 8.7.1).

use super::build::{bytes, complex, flag, link, text};
use super::{Attribute, Schema, uri};

pub(super) static SCHEMA: Schema = Schema {
    id: uri::USER,
    name: "User",
    description: "A person's account",
    attributes: &[
        text(
            "userName",
            "Signs the person in at the client; compared without regard to case",
        )
        .required()
        .unique(),
        complex("name", NAME, "The parts of the person's name"),
        text("displayName", "The person's name as it is shown"),
        text("nickName", "What the person is called"),
        link("profileUrl", &["external"], "A page about the person"),
        text("title", "The person's title, such as Vice President"),
        text(
            "userType",
            "The person's relation to the organization, such as Contractor",
        ),
        text(
            "preferredLanguage",
            "Languages, as Accept-Language has them",
        ),
        text(
            "locale",
            "For currency, dates and numbers, as RFC 5646 has it",
        ),
        text("timezone", "A name of the IANA time zone database"),
        flag("active", "Whether the person may use anything here"),
        text(
            "password",
            "Taken and dropped: people sign in at their identity provider",
        )
        .secret(),
        complex("emails", EMAILS, "E-mail addresses").list(),
        complex(
            "phoneNumbers",
            PHONES,
            "Telephone numbers, as they were sent",
        )
        .list(),
        complex("ims", IMS, "Addresses for instant messages").list(),
        complex("photos", PHOTOS, "URLs of pictures of the person").list(),
        complex("addresses", ADDRESSES, "Postal addresses").list(),
        complex(
            "groups",
            GROUPS,
            "Groups the person is in; changed at the group",
        )
        .list()
        .read_only(),
        complex(
            "entitlements",
            VALUES,
            "Kept as sent; they give no permission here",
        )
        .list(),
        complex(
            "roles",
            VALUES,
            "Kept as sent; they give no permission here",
        )
        .list(),
        complex(
            "x509Certificates",
            CERTIFICATES,
            "Certificates of the person",
        )
        .list(),
    ],
};

const NAME: &[Attribute] = &[
    text("formatted", "The whole name, as it is shown"),
    text("familyName", "The family name"),
    text("givenName", "The given name"),
    text("middleName", "Middle names"),
    text("honorificPrefix", "Such as Ms."),
    text("honorificSuffix", "Such as III"),
];

const DISPLAY: Attribute = text("display", "The value, for people");
const PRIMARY: Attribute = flag(
    "primary",
    "Whether it is the preferred value; at most one is",
);
const TYPE: Attribute = text("type", "What the value is for");

const EMAILS: &[Attribute] = &[
    text("value", "The address"),
    DISPLAY,
    TYPE.usually(&["work", "home", "other"]),
    PRIMARY,
];

const PHONES: &[Attribute] = &[
    text("value", "The number"),
    DISPLAY,
    TYPE.usually(&["work", "home", "mobile", "fax", "pager", "other"]),
    PRIMARY,
];

const IMS: &[Attribute] = &[
    text("value", "The address"),
    DISPLAY,
    TYPE.usually(&["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"]),
    PRIMARY,
];

const PHOTOS: &[Attribute] = &[
    link("value", &["external"], "The picture's URL"),
    DISPLAY,
    TYPE.usually(&["photo", "thumbnail"]),
    PRIMARY,
];

const ADDRESSES: &[Attribute] = &[
    text(
        "formatted",
        "The whole address, as it is written on a letter",
    ),
    text("streetAddress", "Street and house"),
    text("locality", "The town"),
    text("region", "The state or region"),
    text("postalCode", "The postal code"),
    text("country", "Two letters, as ISO 3166-1 has them"),
    TYPE.usually(&["work", "home", "other"]),
    PRIMARY,
];

const GROUPS: &[Attribute] = &[
    text("value", "The group's id").exact().read_only(),
    link("$ref", &["User", "Group"], "The group's URL").read_only(),
    text("display", "The group's name").read_only(),
    TYPE.usually(&["direct", "indirect"]).read_only(),
];

const VALUES: &[Attribute] = &[text("value", "The value"), DISPLAY, TYPE, PRIMARY];

const CERTIFICATES: &[Attribute] = &[
    bytes("value", "The certificate, DER in base64"),
    DISPLAY,
    TYPE,
    PRIMARY,
];
