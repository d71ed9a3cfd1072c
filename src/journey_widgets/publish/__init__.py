"""Pages and reports: the same notebooks in JupyterLab, as dashboards, and as scheduled reports."""
