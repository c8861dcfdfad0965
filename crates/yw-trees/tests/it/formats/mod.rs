//! Models made by XGBoost and LightGBM (`fixtures/make.py`) against what the originals predict.

mod damage;
mod fixture;
mod names;
mod originals;
