// The Java driver against a server: Driver PORT USER PASSWORD tls|plain. Prints what it got, one line of name, tab, value each.
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;

import org.apache.tinkerpop.gremlin.driver.Client;
import org.apache.tinkerpop.gremlin.driver.Cluster;
import org.apache.tinkerpop.gremlin.driver.RequestOptions;
import org.apache.tinkerpop.gremlin.driver.Result;
import org.apache.tinkerpop.gremlin.driver.ResultSet;
import org.apache.tinkerpop.gremlin.driver.exception.ResponseException;
import org.apache.tinkerpop.gremlin.driver.remote.DriverRemoteConnection;
import org.apache.tinkerpop.gremlin.process.traversal.Order;
import org.apache.tinkerpop.gremlin.process.traversal.P;
import org.apache.tinkerpop.gremlin.process.traversal.Path;
import org.apache.tinkerpop.gremlin.process.traversal.TextP;
import org.apache.tinkerpop.gremlin.process.traversal.dsl.graph.GraphTraversalSource;
import org.apache.tinkerpop.gremlin.process.traversal.dsl.graph.__;
import org.apache.tinkerpop.gremlin.structure.Edge;
import org.apache.tinkerpop.gremlin.structure.T;
import org.apache.tinkerpop.gremlin.structure.Vertex;
import org.apache.tinkerpop.gremlin.util.ser.Serializers;

import static org.apache.tinkerpop.gremlin.process.traversal.AnonymousTraversalSource.traversal;

public class Driver {
    static String prefix;

    static void say(String name, Object value) {
        System.out.println(prefix + name + "\t" + value);
    }

    static Cluster cluster(String[] args, Serializers form, String password) {
        Cluster.Builder b = Cluster.build("localhost").port(Integer.parseInt(args[0])).serializer(form).credentials(args[1], password).maxConnectionPoolSize(2).maxWaitForConnection(10000);
        if (args[3].equals("tls"))
            b.enableSsl(true).sslSkipCertValidation(true);
        return b.create();
    }

    static void scripts(Cluster cluster) throws Exception {
        Client client = cluster.connect();
        say("count", client.submit("g.V().count()").one().getLong() > 0);
        say("bindings", client.submit("g.V().limit(x).count()", Map.of("x", 4)).one().getLong());
        say("stream", client.submit("g.E()", RequestOptions.build().batchSize(100).create()).all().get().size());
        int early = 0;
        ResultSet rows = client.submit("g.E()");
        for (Result r : rows)
            if (++early == 10)
                break;
        say("left early", early);
        Vertex v = client.submit("g.V().limit(1)").one().getVertex();
        say("vertex", v.label() + " " + v.id().getClass().getSimpleName());
        try {
            client.submit("g.V().lmit(1)").all().get();
            say("fault", "none");
        } catch (Exception e) {
            Throwable why = e.getCause();
            say("fault", why instanceof ResponseException r ? r.getResponseStatusCode().getValue() + " " + r.getMessage().contains("lmit") : String.valueOf(why));
        }
        try {
            client.submit("g.V().out().in().out().in().out().in().out().in().out().in().out().in().path().count()", RequestOptions.build().timeout(300).create()).all().get();
            say("time", "none");
        } catch (Exception e) {
            say("time", e.getCause() instanceof ResponseException r ? r.getResponseStatusCode().getValue() : e.getCause());
        }
        List<CompletableFuture<List<Result>>> flight = new ArrayList<>();
        for (int i = 1; i <= 50; i++)
            flight.add(client.submit("g.V().limit(" + i + ").count()").all());
        long sum = 0;
        for (CompletableFuture<List<Result>> f : flight)
            sum += f.get().get(0).getLong();
        say("in flight", sum);
        Client session = cluster.connect("a-session");
        session.submit("x = g.V().limit(3).toList()").all().get();
        say("session", session.submit("x").all().get().size());
        session.close();
        client.close();
    }

    static void bytecode(Cluster cluster) throws Exception {
        GraphTraversalSource g = traversal().withRemote(DriverRemoteConnection.using(cluster, "g"));
        say("has", g.V().outE().has("packets", P.gt(5)).count().next());
        say("and", g.E().has("packets", P.gt(5).and(P.lt(9)).or(P.eq(1))).count().next());
        say("text", g.V().has("device_id", TextP.startingWith("10.0.")).count().next() > 0);
        say("labels", g.V().groupCount().by(T.label).next().keySet());
        List<Object> down = g.V().values("device_id").order().by(Order.desc).limit(3).toList(), up = g.V().values("device_id").order().limit(1).toList();
        say("order", down.size() + " " + (((String) down.get(0)).compareTo((String) down.get(1)) > 0) + " " + (((String) up.get(0)).compareTo((String) down.get(0)) < 0));
        Path p = g.V().out().limit(1).path().next();
        say("path", p.size() + " " + p.get(1).getClass().getSimpleName().contains("Vertex"));
        say("repeat", g.V().limit(1).repeat(__.both().simplePath()).times(2).path().limit(2).toList().size());
        Map<String, Object> row = g.V().limit(1).project("a", "b").by(T.id).by(__.both().count()).next();
        say("project", new TreeMap<>(row).keySet() + " " + row.get("b").getClass().getSimpleName());
        say("valueMap", g.V().limit(1).valueMap("device_id").next().keySet());
        say("elementMap", g.E().limit(1).elementMap("packets").next().size());
        say("edge", g.E().limit(1).next() instanceof Edge);
        say("sack", g.withSack(1.0d).V().limit(1).sack().next());
        say("strategy", g.withSideEffect("x", List.of(1, 2)).V().limit(1).select("x").next());
        say("inject", g.inject(1, 2L, 1.5d, "s", true, List.of(1, "a"), Map.of("k", 1)).toList());
        say("sum", g.E().values("packets").sum().next());
        say("branch", g.V().limit(5).choose(__.outE(), __.constant("out"), __.constant("none")).toList().size());
        say("tree", g.V().limit(1).out().tree().next().size());
        try {
            g.addV("person").iterate();
            say("read-only", "changed");
        } catch (Exception e) {
            say("read-only", e.getMessage().contains("read-only"));
        }
        GraphTraversalSource s = traversal().withRemote(DriverRemoteConnection.using(cluster, "ggraph"));
        s.V().drop().iterate();
        Vertex a = s.addV("person").property("name", "ann").next(), b = s.addV("person").property("name", "bob").next();
        s.V(a.id()).addE("knows").to(__.V(b.id())).property("since", 2024).iterate();
        say("scratch", s.V().out("knows").values("name").toList() + " " + s.E().values("since").next());
        g.close();
    }

    public static void main(String[] args) throws Exception {
        for (Serializers form : new Serializers[] { Serializers.GRAPHBINARY_V1, Serializers.GRAPHSON_V3, Serializers.GRAPHSON_V2 }) {
            prefix = form.name().toLowerCase() + " ";
            Cluster cluster = cluster(args, form, args[2]);
            scripts(cluster);
            bytecode(cluster);
            cluster.close();
        }
        prefix = "";
        Cluster wrong = cluster(args, Serializers.GRAPHBINARY_V1, "wrong wrong");
        try {
            wrong.connect().submit("g.V().count()").all().get();
            say("wrong password", "let in");
        } catch (Exception e) {
            say("wrong password", "refused");
        }
        wrong.close();
        System.exit(0);
    }
}
