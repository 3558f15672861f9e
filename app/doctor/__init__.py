"""`python -m app.doctor`: checks the installation and suggests a fix for each problem."""
