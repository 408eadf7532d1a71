// The npm gremlin driver against a server: node gremlin.js URL USER PASSWORD. Prints a JSON object of what it got.
const gremlin = require('gremlin');
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
const [, , url, user, password] = process.argv;
const { PlainTextSaslAuthenticator } = gremlin.driver.auth;
const { GraphSON2Reader, GraphSON2Writer, GraphSON3Reader, GraphSON3Writer } = gremlin.structure.io;
const forms = {
  graphbinary: {},
  graphson3: { mimeType: 'application/vnd.gremlin-v3.0+json', reader: new GraphSON3Reader(), writer: new GraphSON3Writer() },
  graphson2: { mimeType: 'application/vnd.gremlin-v2.0+json', reader: new GraphSON2Reader(), writer: new GraphSON2Writer() },
};
const authenticator = password ? new PlainTextSaslAuthenticator(user, password) : undefined;
const options = (more) => ({ traversalSource: 'g', authenticator, rejectUnauthorized: false, ...more });

// A map of GraphSON 2 is a plain object.
const entries = (m) => (m instanceof Map ? m : Object.entries(m));

async function one(form) {
  const got = {};
  const client = new gremlin.driver.Client(url, options(form));
  got.count = (await client.submit('g.V().count()')).first();
  got.bound = (await client.submit('g.V().limit(n).count()', { n: 5 })).first();
  const vertex = (await client.submit('g.V().limit(1)')).first();
  got.vertex = [vertex.constructor.name, vertex.label, typeof vertex.id];
  got.many = (await client.submit('g.E()', {}, { batchSize: 100 })).length;
  got.error = await client.submit('g.V().lmit(1)').then(() => 'none', (e) => String(e.statusCode) + ' ' + e.message);
  got.flight = (await Promise.all(Array.from({ length: 50 }, (_, i) => client.submit(`g.V().limit(${i + 1}).count()`)))).map((r) => Number(r.first()));
  await client.close();
  const connection = new gremlin.driver.DriverRemoteConnection(url, options(form));
  const g = gremlin.process.AnonymousTraversalSource.traversal().withRemote(connection);
  const { P, order, t } = gremlin.process;
  got.bytecode = Number((await g.V().outE().has('packets', P.gt(5)).count().next()).value);
  got.labels = [...entries((await g.V().groupCount().by(t.label).next()).value)].map(([k, v]) => [k, Number(v)]);
  got.sorted = await g.V().values('device_id').order().by(order.desc).limit(3).toList();
  got.path = (await g.V().out().limit(1).path().next()).value.objects.length;
  await connection.close();
  got.count = Number(got.count);
  got.bound = Number(got.bound);
  return got;
}

(async () => {
  const all = {};
  for (const name of Object.keys(forms)) all[name] = await one(forms[name]);
  const session = new gremlin.driver.Client(url, options({ session: 'a-session', processor: 'session' }));
  await session.submit('x = g.V().limit(2).toList()');
  all.session = (await session.submit('x')).length;
  await session.close();
  if (password) {
    const wrong = new gremlin.driver.Client(url, { ...options({}), authenticator: new PlainTextSaslAuthenticator(user, 'wrong') });
    all.wrong = await wrong.submit('g.V().count()').then(() => 'let in', (e) => e.message);
    await wrong.close().catch(() => {});
  }
  console.log(JSON.stringify(all));
  process.exit(0);
})().catch((e) => { console.error(e); process.exit(1); });
