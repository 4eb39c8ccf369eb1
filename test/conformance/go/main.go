// Command flight-peer is the data mode on Arrow's Go library: Arrow's own client does not look at what its DoGet gave.
//
// It answers questions, a JSON list [URI, "data", FILE] a line, with null or what is wrong: it puts the IPC file's batches with
// app_metadata "0", "1", … and waits for each to come back, asks for the FlightInfo, and reads every endpoint at every location.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

func main() {
	questions := bufio.NewScanner(os.Stdin)
	for questions.Scan() {
		var question []string
		err := json.Unmarshal(questions.Bytes(), &question)
		if err == nil {
			err = putAndGet(question[0], question[2])
		}
		var answer any
		if err != nil {
			answer = err.Error()
		}
		line, _ := json.Marshal(answer)
		fmt.Println(string(line))
	}
}

func putAndGet(uri, name string) (err error) {
	defer func() {
		if wrong := recover(); wrong != nil {
			err = fmt.Errorf("panic: %v", wrong)
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	source, err := ipc.NewFileReader(file)
	if err != nil {
		return fmt.Errorf("not run: Go cannot read this file: %w", err)
	}
	batches := make([]arrow.RecordBatch, source.NumRecords())
	for i := range batches {
		batch, err := source.RecordBatchAt(i)
		if err != nil {
			return fmt.Errorf("not run: Go cannot read this file: %w", err)
		}
		batches[i] = batch
	}

	client, err := connect(uri)
	if err != nil {
		return err
	}
	defer client.Close()
	descriptor := &flight.FlightDescriptor{Type: flight.DescriptorPATH, Path: []string{name}}
	if err := put(ctx, client, descriptor, source.Schema(), batches); err != nil {
		return fmt.Errorf("DoPut: %w", err)
	}
	info, err := client.GetFlightInfo(ctx, descriptor)
	if err != nil {
		return err
	}
	reads := 0
	for _, endpoint := range info.Endpoint {
		for _, location := range endpoint.Location {
			reads++
			if err := get(ctx, location.Uri, endpoint.Ticket, source.Schema(), batches); err != nil {
				return fmt.Errorf("DoGet: %w", err)
			}
		}
	}
	if reads == 0 {
		return fmt.Errorf("the FlightInfo names no location")
	}
	return nil
}

func connect(uri string) (flight.Client, error) {
	address, err := url.Parse(uri)
	if err != nil {
		return nil, err
	}
	plain := grpc.WithTransportCredentials(insecure.NewCredentials())
	return flight.NewClientWithMiddleware(address.Host, nil, nil, plain)
}

func put(ctx context.Context, client flight.Client, descriptor *flight.FlightDescriptor, schema *arrow.Schema, batches []arrow.RecordBatch) error {
	stream, err := client.DoPut(ctx)
	if err != nil {
		return err
	}
	writer := flight.NewRecordWriter(stream, ipc.WithSchema(schema), ipc.WithDictionaryDeltas(true))
	writer.SetFlightDescriptor(descriptor)
	for i, batch := range batches {
		if err := writer.WriteWithAppMetadata(batch, []byte(strconv.Itoa(i))); err != nil {
			return err
		}
		result, err := stream.Recv()
		if err != nil {
			return err
		}
		if string(result.AppMetadata) != strconv.Itoa(i) {
			return fmt.Errorf("batch %d was acknowledged with %q", i, result.AppMetadata)
		}
	}
	if err := writer.Close(); err != nil {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	for {
		if _, err := stream.Recv(); err != nil {
			if err.Error() == "EOF" {
				return nil
			}
			return err
		}
	}
}

func get(ctx context.Context, uri string, ticket *flight.Ticket, schema *arrow.Schema, batches []arrow.RecordBatch) error {
	client, err := connect(uri)
	if err != nil {
		return err
	}
	defer client.Close()
	stream, err := client.DoGet(ctx, ticket)
	if err != nil {
		return err
	}
	reader, err := flight.NewRecordReader(stream)
	if err != nil {
		return err
	}
	defer reader.Release()
	if !reader.Schema().Equal(schema) {
		return fmt.Errorf("the schema is %v and not %v", reader.Schema(), schema)
	}
	for i, expected := range batches {
		if !reader.Next() {
			return fmt.Errorf("there are %d batches and not %d: %v", i, len(batches), reader.Err())
		}
		if !array.RecordEqual(expected, reader.RecordBatch()) {
			return fmt.Errorf("batch %d is %v and not %v", i, reader.RecordBatch(), expected)
		}
		if mark := string(reader.LatestAppMetadata()); mark != strconv.Itoa(i) {
			return fmt.Errorf("the app_metadata of batch %d is %q", i, mark)
		}
	}
	if reader.Next() {
		return fmt.Errorf("there are more than %d batches", len(batches))
	}
	return reader.Err()
}
