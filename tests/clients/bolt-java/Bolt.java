// The Java neo4j driver against a server: java Bolt.java SCHEME PORT USER PASSWORD. Prints `name: what it got`, a line each.
import java.time.Duration;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.neo4j.driver.*;
import org.neo4j.driver.async.AsyncSession;
import org.neo4j.driver.exceptions.Neo4jException;

public class Bolt {
    interface Step {
        Object run() throws Exception;
    }

    static void say(String name, Step step) {
        Object got;
        try {
            got = step.run();
        } catch (Neo4jException e) {
            got = e.code();
        } catch (Exception e) {
            got = e.toString();
        }
        System.out.println(name + ": " + got);
    }

    static Driver open(String[] a, String password) {
        Config config = Config.builder().withConnectionAcquisitionTimeout(10, TimeUnit.SECONDS).withLogging(Logging.none()).build();
        return GraphDatabase.driver(a[0] + "://localhost:" + a[1], AuthTokens.basic(a[2], password), config);
    }

    static long count(SimpleQueryRunner q, String text) {
        return q.run(text).single().get(0).asLong();
    }

    static void reading(Driver driver) {
        say("version", () -> {
            try (Session s = driver.session()) {
                return s.run("RETURN 1").consume().server().protocolVersion();
            }
        });
        say("elements", () -> {
            try (Session s = driver.session()) {
                var r = s.run("MATCH (a)-[e]->(b) RETURN a, e, b, e.packets AS packets ORDER BY packets DESC, id(e) LIMIT 1").single();
                var node = r.get("a").asNode();
                var edge = r.get("e").asRelationship();
                return r.keys() + " " + node.labels() + " " + edge.type() + " " + edge.startNodeElementId().equals(node.elementId()) + " " + r.get("packets").asLong();
            }
        });
        say("stream", () -> {
            try (Session s = driver.session(SessionConfig.builder().withFetchSize(70).build())) {
                long n = 0;
                for (Result r = s.run("MATCH ()-[e]->() RETURN e"); r.hasNext(); r.next())
                    n++;
                return n;
            }
        });
        say("values", () -> {
            try (Session s = driver.session()) {
                Map<String, Object> p = Map.of("big", Long.MAX_VALUE, "list", List.of(1, 2.5, "é"), "map", Map.of("k", true), "date", LocalDate.of(2024, 4, 18));
                var r = s.run("RETURN $big AS big, $list AS list, $map AS map, $date AS date, duration('P1DT2S') AS d, point({x: 1, y: 2}) AS p", p).single();
                return r.get("big") + " " + r.get("list") + " " + r.get("map") + " " + r.get("date").asLocalDate() + " " + r.get("d").asIsoDuration() + " " + r.get("p").asPoint().x();
            }
        });
        say("fault", () -> {
            try (Session s = driver.session()) {
                return s.run("MATCH (a RETURN a").list();
            }
        });
        say("database", () -> driver.executableQuery("RETURN 1").withConfig(QueryConfig.builder().withDatabase("nosuch").build()).execute().records().size());
    }

    static void transactions(Driver driver) {
        say("transaction", () -> {
            try (Session s = driver.session(); Transaction tx = s.beginTransaction()) {
                Result first = tx.run("MATCH (a)-->() RETURN DISTINCT id(a)"), second = tx.run("MATCH ()-[e]->() RETURN count(e)");
                long edges = second.single().get(0).asLong(), vertices = first.list().size();
                tx.commit();
                return edges + " " + (vertices > 10);
            }
        });
        say("managed", () -> {
            try (Session s = driver.session()) {
                return s.executeRead(tx -> count(tx, "MATCH ()-[e]->() RETURN count(e)"));
            }
        });
        SessionConfig scratch = SessionConfig.builder().withDatabase("ggraph").build();
        say("written", () -> {
            try (Session s = driver.session(scratch)) {
                var made = s.executeWrite(tx -> tx.run("CREATE (a:java {n: 1})-[:made]->(b:java {n: 2})").consume().counters());
                return made.nodesCreated() + " " + made.relationshipsCreated() + " " + count(s, "MATCH (a:java) RETURN count(a)");
            }
        });
        say("rolled back", () -> {
            try (Session s = driver.session(scratch)) {
                try (Transaction tx = s.beginTransaction()) {
                    tx.run("MATCH (a:java) SET a.n = 10 CREATE (:java)").consume();
                    tx.run("MATCH (a:java {n: 10})-[e]->() DELETE e").consume();
                    tx.rollback();
                }
                return s.run("MATCH (a:java) OPTIONAL MATCH (a)-[e]->() RETURN sum(a.n), count(a), count(e)").single().values();
            }
        });
        say("cleaned", () -> {
            try (Session s = driver.session(scratch)) {
                return s.run("MATCH (a:java) DETACH DELETE a").consume().counters().nodesDeleted();
            }
        });
    }

    static final String LONG = "UNWIND range(1, 100000) AS x UNWIND range(1, 100000) AS y RETURN count(x + y)";

    static void ending(Driver driver) {
        say("time limit", () -> {
            try (Session s = driver.session()) {
                return s.run(LONG, TransactionConfig.builder().withTimeout(Duration.ofMillis(300)).build()).list();
            }
        });
        say("left early", () -> {
            long began = System.nanoTime();
            try (Session s = driver.session(SessionConfig.builder().withFetchSize(10).build())) {
                Result r = s.run("UNWIND range(1, 100000) AS x UNWIND range(1, 100000) AS y RETURN x");
                for (int i = 0; i < 25; i++)
                    r.next();
            }
            return System.nanoTime() - began < 3_000_000_000L;
        });
    }

    /** The driver closes under a query that runs. */
    static void leaving(Driver driver) throws Exception {
        driver.session(AsyncSession.class).runAsync(LONG);
        Thread.sleep(300);
        driver.close();
    }

    public static void main(String[] a) throws Exception {
        try (Driver driver = open(a, a[3])) {
            driver.verifyConnectivity();
            reading(driver);
            transactions(driver);
            ending(driver);
        }
        leaving(open(a, a[3]));
        try (Driver wrong = open(a, "wrong")) {
            say("wrong", () -> {
                wrong.verifyConnectivity();
                return "let in";
            });
        }
        System.exit(0);
    }
}
