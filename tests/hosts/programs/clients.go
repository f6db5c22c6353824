// What the client has beside plain calls: <base> <fingerprint> <address of a server that never answers>
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	rpa "story/rpaopenapi"
)

func client(host, pin string, more rpa.Fields) *rpa.Client {
	settings := rpa.Fields{"accesskey": "demo-access-key", "secretkey": "demo-secret-key", "proxy": nil}
	if pin != "" {
		settings["tls"] = rpa.Fields{"pin_sha256": pin}
	}
	for name, value := range more {
		settings[name] = value
	}
	return rpa.NewClient(host, settings)
}

func check(right bool, what string) {
	if !right {
		fmt.Println("not as it should be:", what)
	}
}

func longWork(ctx context.Context, client *rpa.Client) {
	data := rpa.Fields{"procCode": "P001", "robotNo": "Administrator@0A1B2C3D4E5F"}
	wait := func(status string, more rpa.Fields) rpa.Fields {
		fields := rpa.Fields{"rest_type": "/oapi/v1/job/get", "data_json": rpa.Fields{"jobNo": rpa.Fields{"pointer": "/result/jobNo"}},
			"until": []rpa.Fields{{"pointer": "/result/status", "in": []string{status}}}, "every_ms": 100}
		for name, value := range more {
			fields[name] = value
		}
		return fields
	}
	type job struct {
		Result struct{ JobNo, Status string }
	}
	var end, begun struct {
		Started, Reply job
		Resume         string
	}
	reply, err := client.Run(ctx, "/oapi/v1/job/create", data, wait("finished", nil))
	check(err == nil && json.Unmarshal(reply.Result, &end) == nil, "work ends")
	check(end.Started.Result.JobNo == end.Reply.Result.JobNo, "the end is of what was started")
	fmt.Println("run:", end.Reply.Result.Status)
	reply, err = client.Run(ctx, "/oapi/v1/job/create", data, wait("finished", rpa.Fields{"timeout_ms": 0}))
	check(err == nil && json.Unmarshal(reply.Result, &begun) == nil, "work is only started")
	reply, err = client.Resume(ctx, begun.Resume)
	check(err == nil && json.Unmarshal(reply.Result, &end) == nil, "work is gone on with")
	check(end.Started.Result.JobNo == begun.Started.Result.JobNo, "the same is gone on with")
	fmt.Println("resume:", end.Reply.Result.Status)
	_, err = client.Run(ctx, "/oapi/v1/job/create", data, wait("never", rpa.Fields{"timeout_ms": 300}))
	var late *rpa.Error
	check(errors.As(err, &late) && late.Kind == "timeout" && late.Part == "wait" && len(late.Resume) > 50, "what is late can be gone on with")
	pages := rpa.Fields{"page": "pageNum", "size": "pageSize", "items": "/result/rows", "total": "/result/total"}
	reply, err = client.Pages(ctx, "/oapi/v1/job/list", rpa.Fields{"pageSize": 2}, pages)
	var list struct{ Rows []any }
	check(err == nil && json.Unmarshal(reply.Result, &list) == nil, "a list is gathered")
	fmt.Println("pages:", len(list.Rows))
}

func main() {
	host, pin, silent := os.Args[1], os.Args[2], os.Args[3]
	// Longer than this program is waited for, were it not given up.
	giveUp, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	_, err := client(silent, "", rpa.Fields{"timeout_ms": 120000}).Post(giveUp, "/oapi/v1/job/create", nil)
	if errors.Is(err, context.DeadlineExceeded) {
		fmt.Println("cancelled: ok")
	}
	ctx := context.Background()

	_, err = client(host, strings.Repeat("0", 64), nil).Get(ctx, "/oapi/v1/job/list", nil)
	var failure *rpa.Error
	if errors.As(err, &failure) {
		whole := failure.Code == 40 && failure.Attempts >= 1 && failure.Field == "" && strings.Contains(failure.Detail, "pin") &&
			strings.HasPrefix(err.Error(), failure.Msg) && len(failure.ID) > 5 && failure.Hint != "" && strings.Contains(string(failure.Reply.JSON), `"kind":"tls"`)
		fmt.Println("error:", failure.Kind, failure.Delivered, map[bool]string{true: "ok", false: err.Error()}[whole])
	}

	usual := client(host, pin, nil)
	var job struct {
		JobNo  string
		Params struct{ Note string }
	}
	data := rpa.Fields{"procCode": "P001", "robotNo": "Administrator@0A1B2C3D4E5F", "note": "月结 & 100% 完成"}
	reply, err := usual.Post(ctx, "/oapi/v1/job/create", data)
	check(err == nil && json.Unmarshal(reply.Result, &job) == nil, "a job starts")
	reply, err = usual.Get(ctx, "/oapi/v1/job/get", rpa.Fields{"jobNo": job.JobNo})
	check(err == nil && json.Unmarshal(reply.Result, &job) == nil, "a job is looked up")
	fmt.Println("reply:", job.Params.Note)

	longWork(ctx, usual)
	reply, err = client(host, "", rpa.Fields{"tls": rpa.Fields{"verify": false}}).Get(ctx, "/oapi/v1/job/list", nil)
	check(err == nil && reply.Code == 0, "a certificate is not looked at")
	for _, warning := range reply.Warnings {
		fmt.Println("warning:", warning.Kind)
	}
	var well, wrong struct {
		Verdict struct {
			Ok                       bool
			En, Check, Setting, Turn string
		}
	}
	reply, err = usual.Diagnose(ctx, nil)
	check(err == nil && json.Unmarshal(reply.Result, &well) == nil && well.Verdict.Ok, well.Verdict.En)
	reply, err = client(host, strings.Repeat("0", 64), nil).Diagnose(ctx, nil)
	check(err == nil && json.Unmarshal(reply.Result, &wrong) == nil && !wrong.Verdict.Ok, "a broken one says why")
	fmt.Println("diagnosis: well,", wrong.Verdict.Check, wrong.Verdict.Setting, wrong.Verdict.Turn)

	_, err = rpa.Text(rpa.Call, "{}\x00{}")
	check(err != nil, "NUL is refused")
	_, err = usual.Get(giveUp, "/oapi/v1/job/list", nil)
	check(err == context.DeadlineExceeded, "a call that is given up beforehand is not made")
}
