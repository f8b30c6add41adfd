"""Every way to run one workload, one module a tier."""
