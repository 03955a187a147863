use aeolus_model::{OrganizationId, Slug};
use aeolus_store::{ManagedBy, Organization, Store, Unit};

#[tokio::test]
async fn smoke() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("a.db").display());
    let store = Store::connect(&url.parse().unwrap()).await.unwrap();
    assert!(store.prepare_all().await.unwrap() > 100);
    let mut write = store.write().await.unwrap();
    let organization = Organization {
        id: OrganizationId::from_bytes([1; 16]),
        name: Slug::parse("acme").unwrap(),
        policy: "{}".into(),
        managed_by: ManagedBy::Api,
        revision: 1,
    };
    write.organizations().insert(&organization).await.unwrap();
    assert_eq!(write.commit().await.unwrap(), 1);
    let mut read = store.read().await.unwrap();
    let found = read.organizations().get(organization.id).await.unwrap();
    assert_eq!(found, Some(organization));
}
