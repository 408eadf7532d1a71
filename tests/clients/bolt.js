// The npm neo4j driver against a server: node bolt.js SCHEME PORT USER PASSWORD. Prints a JSON object of what it got.
const neo4j = require('neo4j-driver');
const [, , scheme, port, user, password] = process.argv;
const open = (secret) => neo4j.driver(`${scheme}://localhost:${port}`, password ? neo4j.auth.basic(user, secret) : undefined);

(async () => {
  const got = {}, driver = open(password);
  const info = await driver.getServerInfo();
  got.agent = info.agent;
  got.version = info.protocolVersion;
  const session = driver.session();
  const whole = await session.run('MATCH (a)-[e]->(b) RETURN a, e, b, e.packets AS packets ORDER BY packets DESC, id(e) LIMIT 1');
  const row = whole.records[0];
  got.keys = row.keys;
  got.node = [row.get('a').labels, row.get('a').elementId];
  got.edge = [row.get('e').type, row.get('e').startNodeElementId === row.get('a').elementId, row.get('packets').toNumber()];
  got.many = (await session.run('MATCH ()-[e]->() RETURN e.packets')).records.length;
  const small = driver.session({ fetchSize: 10 });
  got.fetched = (await small.run('MATCH (a) RETURN id(a) AS id')).records.length;
  await small.close();
  got.error = await session.run('MATCH (a RETURN a').then(() => 'none', (e) => e.code);
  got.after = (await session.run('MATCH (a) RETURN count(a) AS n')).records[0].get('n').toNumber();
  const tx = session.beginTransaction();
  const first = tx.run('MATCH (a) RETURN count(a) AS n'), second = tx.run('MATCH ()-[e]->() RETURN count(e) AS n');
  got.tx = [(await first).records[0].get('n').toNumber(), (await second).records[0].get('n').toNumber()];
  await tx.commit();
  const half = driver.session({ fetchSize: 5 }).run('MATCH ()-[e]->() RETURN e');
  for await (const r of half) { got.one = r.keys; break; }
  got.read = await session.executeRead(async (t) => (await t.run('MATCH (a) RETURN count(a) AS n')).records[0].get('n').toNumber());
  got.database = await driver.executeQuery('MATCH (a) RETURN count(a) AS n', {}, { database: 'nosuch' }).then(() => 'none', (e) => e.code);
  got.scratch = (await driver.executeQuery('MATCH (a) RETURN count(a) AS n', {}, { database: 'ggraph' })).records[0].get('n').toNumber();
  await driver.close();
  if (password) {
    const wrong = open('wrong');
    got.wrong = await wrong.getServerInfo().then(() => 'let in', (e) => e.code);
    await wrong.close();
  }
  console.log(JSON.stringify(got));
  process.exit(0);
})().catch((e) => { console.error(e); process.exit(1); });
