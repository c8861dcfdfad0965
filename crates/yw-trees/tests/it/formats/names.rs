//! What files say beside the trees.

use yw_trees::{Link, ModelFile, ModelFormat};

use super::fixture::bytes_of;

fn read(file: &str) -> ModelFile {
    ModelFile::read(&bytes_of(file)).unwrap()
}

fn feature_names(file: &ModelFile) -> Vec<(&str, Option<u32>)> {
    file.ensemble.features.iter().map(|feature| (feature.name.as_str(), feature.n_levels)).collect()
}

fn texts(texts: &[&str]) -> Option<Vec<String>> {
    Some(texts.iter().map(|text| text.to_string()).collect())
}

#[test]
fn xgboost_has_names_of_features_and_levels() {
    for file in ["xgboost_frame_json.json", "xgboost_frame_ubj.ubj"] {
        let file = read(file);
        assert_eq!(file.format, ModelFormat::XgBoost);
        let expect = [("size in m", None), ("été", None), ("colour", Some(3)), ("year", Some(12))];
        assert_eq!(feature_names(&file), expect);
        assert_eq!(file.level_names[..2], [None, None]);
        assert_eq!(file.level_names[2], texts(&["red", "green", "blue"]));
        assert_eq!(file.level_names[3].as_ref().unwrap()[11], "2021");
    }
}

#[test]
fn lightgbm_has_names_of_features_and_levels() {
    let file = read("lightgbm_frame.txt");
    assert_eq!(file.format, ModelFormat::LightGbm);
    assert_eq!(feature_names(&file), [("size", None), ("side", None), ("colour", Some(3)), ("year", Some(12))]);
    assert_eq!(file.level_names[2], texts(&["red", "green", "sky blue"]));
    assert_eq!(file.level_names[3].as_ref().unwrap()[0], "2010");
}

#[test]
fn names_are_made_up_where_there_are_none() {
    let file = read("xgboost_categories.ubj");
    assert_eq!(feature_names(&file)[0], ("f0", None));
    assert_eq!(file.level_names, vec![None; 5]);
}

#[test]
fn objectives_become_links() {
    let link = |file: &str| read(file).ensemble.link;
    assert_eq!(link("xgboost_squarederror.json"), Link::Identity);
    assert_eq!(link("xgboost_tweedie.ubj"), Link::Exp);
    assert_eq!(link("lightgbm_cross_entropy.txt"), Link::Logistic);
    assert_eq!(link("lightgbm_multiclassova.txt"), Link::Logistic);
    assert_eq!(link("lightgbm_forest_classes.txt"), Link::Softmax);
    assert_eq!(link("lightgbm_custom.txt"), Link::Identity);
}
