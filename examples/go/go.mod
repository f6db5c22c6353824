module story

go 1.18
