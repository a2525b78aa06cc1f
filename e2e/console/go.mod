module tombolo/e2e/console

go 1.26.0
