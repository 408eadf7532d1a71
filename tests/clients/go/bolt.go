// The Go neo4j driver against a server: bolt SCHEME PORT USER PASSWORD. Prints `name: what it got`, a line each.
package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"
	"github.com/neo4j/neo4j-go-driver/v5/neo4j/config"
)

var ctx = context.Background()

func say(name string, step func() (any, error)) {
	got, err := step()
	var known *neo4j.Neo4jError
	if errors.As(err, &known) {
		got = known.Code
	} else if err != nil {
		got = err
	}
	fmt.Printf("%s: %v\n", name, got)
}

func open(password string) neo4j.DriverWithContext {
	d, err := neo4j.NewDriverWithContext(os.Args[1]+"://localhost:"+os.Args[2], neo4j.BasicAuth(os.Args[3], password, ""), func(c *config.Config) {
		c.ConnectionAcquisitionTimeout = 10 * time.Second
		c.MaxTransactionRetryTime = 3 * time.Second
	})
	if err != nil {
		panic(err)
	}
	return d
}

func first(r neo4j.ResultWithContext, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	one, err := r.Single(ctx)
	if err != nil {
		return nil, err
	}
	return one.Values[0], nil
}

func reading(d neo4j.DriverWithContext) {
	say("version", func() (any, error) {
		info, err := d.GetServerInfo(ctx)
		if err != nil {
			return nil, err
		}
		return fmt.Sprintf("%d.%d", info.ProtocolVersion().Major, info.ProtocolVersion().Minor), nil
	})
	say("elements", func() (any, error) {
		r, err := neo4j.ExecuteQuery(ctx, d, "MATCH (a)-[e]->(b) RETURN a, e, b, e.packets AS packets ORDER BY packets DESC, id(e) LIMIT 1", nil, neo4j.EagerResultTransformer)
		if err != nil {
			return nil, err
		}
		node, edge := r.Records[0].Values[0].(neo4j.Node), r.Records[0].Values[1].(neo4j.Relationship)
		return fmt.Sprint(r.Keys, node.Labels, edge.Type, edge.StartElementId == node.ElementId, r.Records[0].Values[3]), nil
	})
	say("stream", func() (any, error) {
		s := d.NewSession(ctx, neo4j.SessionConfig{FetchSize: 70})
		defer s.Close(ctx)
		r, err := s.Run(ctx, "MATCH ()-[e]->() RETURN e", nil)
		if err != nil {
			return nil, err
		}
		n := 0
		for r.Next(ctx) {
			n++
		}
		return n, r.Err()
	})
	say("values", func() (any, error) {
		p := map[string]any{"big": int64(math.MaxInt64), "list": []any{1, 2.5, "é"}, "map": map[string]any{"k": true}, "date": neo4j.DateOf(time.Date(2024, 4, 18, 0, 0, 0, 0, time.UTC))}
		r, err := neo4j.ExecuteQuery(ctx, d, "RETURN $big AS big, $list AS list, $map AS map, $date AS date, duration('P1DT2S') AS d, point({x: 1, y: 2}) AS p", p, neo4j.EagerResultTransformer)
		if err != nil {
			return nil, err
		}
		v := r.Records[0].Values
		return fmt.Sprint(v[0], v[1], v[2], v[3], v[4], v[5].(neo4j.Point2D).X), nil
	})
	say("fault", func() (any, error) {
		return neo4j.ExecuteQuery(ctx, d, "MATCH (a RETURN a", nil, neo4j.EagerResultTransformer)
	})
	say("database", func() (any, error) {
		return neo4j.ExecuteQuery(ctx, d, "RETURN 1", nil, neo4j.EagerResultTransformer, neo4j.ExecuteQueryWithDatabase("nosuch"))
	})
}

func transactions(d neo4j.DriverWithContext) {
	s := d.NewSession(ctx, neo4j.SessionConfig{})
	defer s.Close(ctx)
	say("transaction", func() (any, error) {
		tx, err := s.BeginTransaction(ctx)
		if err != nil {
			return nil, err
		}
		vertices, err := tx.Run(ctx, "MATCH (a)-->() RETURN DISTINCT id(a)", nil)
		if err != nil {
			return nil, err
		}
		edges, err := first(tx.Run(ctx, "MATCH ()-[e]->() RETURN count(e)", nil))
		if err != nil {
			return nil, err
		}
		list, err := vertices.Collect(ctx)
		if err != nil {
			return nil, err
		}
		return fmt.Sprint(edges, " ", len(list) > 10), tx.Commit(ctx)
	})
	say("managed", func() (any, error) {
		return s.ExecuteRead(ctx, func(tx neo4j.ManagedTransaction) (any, error) {
			return first(tx.Run(ctx, "MATCH ()-[e]->() RETURN count(e)", nil))
		})
	})
	scratch := d.NewSession(ctx, neo4j.SessionConfig{DatabaseName: "ggraph"})
	defer scratch.Close(ctx)
	say("written", func() (any, error) {
		made, err := scratch.ExecuteWrite(ctx, func(tx neo4j.ManagedTransaction) (any, error) {
			r, err := tx.Run(ctx, "CREATE (a:go {n: 1})-[:made]->(b:go {n: 2})", nil)
			if err != nil {
				return nil, err
			}
			summary, err := r.Consume(ctx)
			if err != nil {
				return nil, err
			}
			return fmt.Sprint(summary.Counters().NodesCreated(), summary.Counters().RelationshipsCreated()), nil
		})
		if err != nil {
			return nil, err
		}
		n, err := first(scratch.Run(ctx, "MATCH (a:go) RETURN count(a)", nil))
		return fmt.Sprint(made, " ", n), err
	})
	say("rolled back", func() (any, error) {
		tx, err := scratch.BeginTransaction(ctx)
		if err != nil {
			return nil, err
		}
		for _, text := range []string{"MATCH (a:go) SET a.n = 10 CREATE (:go)", "MATCH (a:go {n: 10})-[e]->() DELETE e"} {
			r, err := tx.Run(ctx, text, nil)
			if err != nil {
				return nil, err
			}
			if _, err = r.Consume(ctx); err != nil {
				return nil, err
			}
		}
		if err := tx.Rollback(ctx); err != nil {
			return nil, err
		}
		r, err := scratch.Run(ctx, "MATCH (a:go) OPTIONAL MATCH (a)-[e]->() RETURN sum(a.n), count(a), count(e)", nil)
		if err != nil {
			return nil, err
		}
		one, err := r.Single(ctx)
		if err != nil {
			return nil, err
		}
		return one.Values, nil
	})
	say("cleaned", func() (any, error) {
		r, err := scratch.Run(ctx, "MATCH (a:go) DETACH DELETE a", nil)
		if err != nil {
			return nil, err
		}
		summary, err := r.Consume(ctx)
		if err != nil {
			return nil, err
		}
		return summary.Counters().NodesDeleted(), nil
	})
}

const long = "UNWIND range(1, 100000) AS x UNWIND range(1, 100000) AS y RETURN count(x + y)"

func ending(d neo4j.DriverWithContext) {
	say("time limit", func() (any, error) {
		s := d.NewSession(ctx, neo4j.SessionConfig{})
		defer s.Close(ctx)
		return first(s.Run(ctx, long, nil, neo4j.WithTxTimeout(300*time.Millisecond)))
	})
	say("cancelled", func() (any, error) {
		limited, stop := context.WithTimeout(ctx, 300*time.Millisecond)
		defer stop()
		s := d.NewSession(ctx, neo4j.SessionConfig{})
		defer s.Close(ctx)
		began := time.Now()
		r, err := s.Run(limited, long, nil)
		if err == nil {
			_, err = r.Collect(limited)
		}
		return fmt.Sprint(err != nil, " ", time.Since(began) < 5*time.Second), nil
	})
}

func main() {
	d := open(os.Args[4])
	if err := d.VerifyConnectivity(ctx); err != nil {
		fmt.Println("not connected:", err)
		os.Exit(1)
	}
	reading(d)
	transactions(d)
	ending(d)
	d.Close(ctx)
	wrong := open("wrong")
	say("wrong", func() (any, error) { return "let in", wrong.VerifyConnectivity(ctx) })
	wrong.Close(ctx)
}
