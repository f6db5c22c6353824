// Package rpaopenapi calls the OpenAPI of an RPA control center (iS-RPA) through the shared library rpa_openapi, which
// pkg-config finds as rpa_openapi. Everything here may be used from any number of goroutines at once.
//
//	client := rpaopenapi.NewClient("https://10.0.0.5:8443", rpaopenapi.Fields{"accesskey": "...", "secretkey": "..."})
//	reply, err := client.Post(ctx, "/oapi/v1/job/create", rpaopenapi.Fields{"procCode": "P001"})
//
// A call that has begun cannot be stopped. Where its context ends, the function returns at once; the call goes on by
// itself until it has an answer, at most for its timeout_ms, and its reply is freed then. Whether the control center gets
// it is not known, so look a post up before it is made again.
package rpaopenapi

/*
#cgo pkg-config: rpa_openapi
#include <stdlib.h>
#include <rpa_openapi.h>
*/
import "C"

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unsafe"
)

// Fields are those of a request, by the library's names.
type Fields map[string]any

// Function is one of the library's: JSON text in, JSON text out.
type Function int

const (
	GetToken Function = iota
	RefreshToken
	Call
	Sign
	Diagnose
)

// Text asks a function of the library. What goes wrong in a call is in the reply.
func Text(function Function, request string) (string, error) {
	if strings.ContainsRune(request, 0) {
		return "", errors.New("rpaopenapi: the request holds NUL, at which the library would take it to end")
	}
	text := C.CString(request)
	defer C.free(unsafe.Pointer(text))
	var reply *C.char
	switch function {
	case GetToken:
		reply = C.rpa_get_token(text)
	case RefreshToken:
		reply = C.rpa_refresh_token(text)
	case Call:
		reply = C.rpa_call(text)
	case Sign:
		reply = C.rpa_sign(text)
	case Diagnose:
		reply = C.rpa_diagnose(text)
	default:
		return "", fmt.Errorf("rpaopenapi: there is no function %d", function)
	}
	defer C.rpa_free(reply)
	return C.GoString(reply), nil
}

// Version is that of the library, such as "1.2.3".
func Version() string {
	return C.GoString(C.rpa_version())
}

// Error is a call that the library could not bring to an end. A refusal by the control center is none: that is a Reply.
type Error struct {
	Code      int    `json:"-"`
	Msg       string `json:"-"` // in Chinese, a few words that tell the next step
	Kind      string `json:"kind"`
	Detail    string `json:"detail"`    // in English, for a log or a search
	Delivered string `json:"delivered"` // "no": calling again is safe
	Field     string `json:"field"`
	Status    int    `json:"http_status"`
	Attempts  int    `json:"attempts"`
	ElapsedMs int64  `json:"elapsed_ms"`
	ID        string `json:"id"`
	Time      string `json:"time"`
	Peer      string `json:"peer"`
	Proxy     string `json:"proxy"`
	ProxyFrom string `json:"proxy_from"`
	Phase     string `json:"phase"`
	Hint      string `json:"hint"`
	Part      string `json:"part"`   // of Run: "start" or "wait"
	Resume    string `json:"resume"` // of Run where the start has gone well: what goes on waiting
	Reply     *Reply `json:"-"`
}

func (e *Error) Error() string {
	return e.Msg + " (" + e.Kind + ": " + e.Detail + ")"
}

// Warning is what did no harm to a call and should be looked at.
type Warning struct {
	Kind    string `json:"kind"`
	Chinese string `json:"zh"`
	English string `json:"en"`
}

// Reply is the control center's.
type Reply struct {
	JSON     json.RawMessage // as it came
	Code     int
	Msg      string
	Result   json.RawMessage
	Warnings []Warning
}

// Client is one control center. Its methods return the reply, whatever its code, and an *Error where there is none.
type Client struct {
	settings Fields
}

// NewClient takes the fields that every request begins with, by the library's names.
func NewClient(host string, settings Fields) *Client {
	return &Client{merged(Fields{"meta": true}, settings, Fields{"host": host})}
}

func (c *Client) Get(ctx context.Context, restType string, data any) (*Reply, error) {
	return c.Call(ctx, "get", restType, data, nil)
}

func (c *Client) Post(ctx context.Context, restType string, data any) (*Reply, error) {
	return c.Call(ctx, "post", restType, data, nil)
}

// Call is any call; more holds further fields of this request.
func (c *Client) Call(ctx context.Context, mode, restType string, data any, more Fields) (*Reply, error) {
	return c.Ask(ctx, Call, merged(c.settings, Fields{"mode": mode, "rest_type": restType, "data_json": data}, more))
}

// Run starts something by a post and waits until it has come to its end; wait says how that is seen, see the library's
// field of that name. The result holds both replies, "started" and "reply". An Error's Part says of which of the two it is.
func (c *Client) Run(ctx context.Context, restType string, data, wait any) (*Reply, error) {
	return c.Call(ctx, "post", restType, data, Fields{"wait": wait})
}

// Resume goes on waiting for what Run has started, in whatever process that was.
func (c *Client) Resume(ctx context.Context, resume string) (*Reply, error) {
	return c.Ask(ctx, Call, merged(c.settings, Fields{"resume": resume}))
}

// Pages gathers all pages of a list into one reply; pages names the fields, see the library's field of that name.
func (c *Client) Pages(ctx context.Context, restType string, data, pages any) (*Reply, error) {
	return c.Call(ctx, "get", restType, data, Fields{"pages": pages})
}

// Diagnose tells what is wrong first, and whose turn it is: the result's "verdict".
func (c *Client) Diagnose(ctx context.Context, more Fields) (*Reply, error) {
	return c.Ask(ctx, Diagnose, merged(c.settings, more))
}

// Ask sends exactly these fields to a function of the library.
func (c *Client) Ask(ctx context.Context, function Function, fields Fields) (*Reply, error) {
	request, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1) // so that who comes too late does not wait
	go func() {
		text, err := Text(function, string(request))
		answers <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case got := <-answers:
		if got.err != nil {
			return nil, got.err
		}
		return read(got.text)
	}
}

// Settings are those of this client with others in their place, for Ask.
func (c *Client) Settings(others Fields) Fields {
	return merged(c.settings, others)
}

func read(text string) (*Reply, error) {
	reply := &Reply{JSON: json.RawMessage(text)}
	var wrapped struct {
		Reply json.RawMessage `json:"reply"`
		Meta  *struct {
			Warnings []Warning `json:"warnings"`
		} `json:"meta"`
	}
	if json.Unmarshal([]byte(text), &wrapped) == nil && wrapped.Reply != nil && wrapped.Meta != nil {
		reply.JSON, reply.Warnings = wrapped.Reply, wrapped.Meta.Warnings
	}
	var usual struct {
		Code   json.Number     `json:"code"`
		Msg    string          `json:"msg"`
		Result json.RawMessage `json:"result"`
		Error  json.RawMessage `json:"error"`
	}
	if json.Unmarshal(reply.JSON, &usual) != nil {
		return reply, nil // a control center may answer any JSON
	}
	code, err := usual.Code.Int64()
	if err != nil {
		code = -1
	}
	reply.Code, reply.Msg, reply.Result = int(code), usual.Msg, usual.Result
	failure := &Error{Code: reply.Code, Msg: reply.Msg, Reply: reply}
	// A control center's own reply may have a field of that name.
	if usual.Error != nil && json.Unmarshal(usual.Error, failure) == nil && failure.Kind != "" && failure.Delivered != "" {
		return nil, failure
	}
	return reply, nil
}

func merged(all ...Fields) Fields {
	fields := Fields{}
	for _, some := range all {
		for name, value := range some {
			fields[name] = value
		}
	}
	return fields
}
