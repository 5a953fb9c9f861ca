//! The list of orders that wait.

use crate::harness::shop::Shop;

#[test]
fn a_viewer_gets_hundreds_of_rows() {
    let shop = Shop::shared();
    let told = shop.bot().ask("vic", &["run", "stuck-orders", "--wait"]);
    told.is("succeeded", &["paid orders wait for a supplier"]);
    let rows = told.json["rows"].as_array().unwrap();
    assert!(rows.len() > 200, "{}", rows.len());
    let row = |order: u64| rows.iter().find(|row| row["order"] == order);
    // One that no test forwards, one that no task can, and one that is not stuck.
    assert_eq!(row(2320).unwrap()["note"], "can be forwarded");
    assert_eq!(row(1054).unwrap()["note"], "no adapter: for a person");
    assert_eq!(row(1054).unwrap()["missing"], "Handmade Nepal");
    assert!(row(1045).is_none());
    told.warns("1048 (CJ: cj_1048-1)");
}
