"""The models on small warehouses written by `synthetic`, in the Parquet of docs/architecture.md."""
