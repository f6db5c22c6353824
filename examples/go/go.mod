module rpaopenapi

go 1.18
