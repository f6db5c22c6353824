// The short story of a robot's job, in Go: get a token, start a job with a Chinese parameter, read it back, refresh the
// token, and one call that is refused on purpose.
//
//	go run . https://127.0.0.1:8443 FINGERPRINT [PROXY]
//
// FINGERPRINT is the SHA-256 fingerprint of the control center's certificate, or - for plain http. PROXY is a proxy's
// address, or - for none; if it is left out, the system's is used. The exit status is 0 only if every step was as it
// should be; what was not is said on stderr.
//
// It needs the library where pkg-config finds it as rpa_openapi, and a C compiler.
//
// The names jobNo and params, and the path job/get, are those of the emulator, `control_center --tls`.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	rpa "story/rpaopenapi"
)

const (
	accessKey = "demo-access-key"
	secretKey = "demo-secret-key"
	note      = "月结 & 100% 完成"
)

func main() {
	if len(os.Args) < 3 || len(os.Args) > 4 {
		fmt.Fprintln(os.Stderr, "usage: story <base URL> <fingerprint, - for plain http> [proxy, - for none]")
		os.Exit(2)
	}
	server := rpa.Fields{}
	if os.Args[2] != "-" {
		server["tls"] = rpa.Fields{"pin_sha256": os.Args[2]}
	}
	if len(os.Args) > 3 {
		server["proxy"] = os.Args[3]
		if os.Args[3] == "-" {
			server["proxy"] = nil
		}
	}
	if err := tell(context.Background(), os.Args[1], server); err != nil {
		var failure *rpa.Error
		if errors.As(err, &failure) {
			fmt.Fprintf(os.Stderr, "story: %s: %s, delivered: %s\n", failure.Kind, failure.Detail, failure.Delivered)
		}
		fmt.Fprintln(os.Stderr, "story:", err)
		os.Exit(1)
	}
}

type tokens struct{ AccessToken, RefreshToken string }

func tell(ctx context.Context, host string, server rpa.Fields) error {
	fmt.Println("version", rpa.Version())

	// With accesskey and secretkey among its settings, the client would look after the token by itself.
	stranger := rpa.NewClient(host, server)
	var first, second tokens
	keys := rpa.Fields{"accesskey": accessKey, "secretkey": secretKey}
	if err := result(&first)(stranger.Ask(ctx, rpa.GetToken, stranger.Settings(keys))); err != nil {
		return err
	}
	fmt.Println("token: ok")

	server["accesstoken"] = first.AccessToken
	client := rpa.NewClient(host, server)
	var job struct {
		JobNo  string
		Params struct{ Note string }
	}
	data := rpa.Fields{"procCode": "P001", "robotNo": "Administrator@0A1B2C3D4E5F", "note": note}
	if err := result(&job)(client.Post(ctx, "/oapi/v1/job/create", data)); err != nil {
		return err
	}
	fmt.Println("job started: ok")

	if err := result(&job)(client.Get(ctx, "/oapi/v1/job/get", rpa.Fields{"jobNo": job.JobNo})); err != nil {
		return err
	}
	if job.Params.Note != note {
		return fmt.Errorf("not as it should be: the note is %s", job.Params.Note)
	}
	fmt.Println("job read back:", job.Params.Note)

	refresh := rpa.Fields{"refreshtoken": first.RefreshToken}
	if err := result(&second)(stranger.Ask(ctx, rpa.RefreshToken, stranger.Settings(refresh))); err != nil {
		return err
	}
	if second.AccessToken == first.AccessToken {
		return errors.New("not as it should be: the refreshed token is the old one")
	}
	fmt.Println("token refreshed: ok")

	// A field is misspelt, so nothing is sent, and the error names the field.
	misspelt := rpa.Fields{"acesstoken": first.AccessToken}
	_, err := client.Call(ctx, "get", "/oapi/v1/job/list", nil, misspelt)
	var refusal *rpa.Error
	if !errors.As(err, &refusal) || refusal.Delivered != "no" {
		return fmt.Errorf("not as it should be: the refusal is %v", err)
	}
	fmt.Println("refused on purpose:", refusal.Kind, refusal.Field)
	return nil
}

// Reads the result of a reply that says success, which is "code": 0. What the control center refuses is a reply as well.
func result(into any) func(*rpa.Reply, error) error {
	return func(reply *rpa.Reply, err error) error {
		if err == nil && reply.Code != 0 {
			err = errors.New(reply.Msg)
		}
		if err != nil {
			return err
		}
		return json.Unmarshal(reply.Result, into)
	}
}
