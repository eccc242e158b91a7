// Workers and senders of BullMQ, pg-boss and Graphile Worker (tests/reality/frameworks.py).
//
//   node work.js bullmq worker
//   node work.js bullmq send '["raise", {"attempts": 2}]'
//
// Every run leaves a word in the list NAME:runs in Redis.
'use strict';

const Redis = require('ioredis');

const name = process.env.REALITY_NAME;
const settings = JSON.parse(process.env.REALITY_SETTINGS);
const redis = { host: settings.host, port: settings.redis, maxRetriesPerRequest: null };
const postgres = `postgres://postgres@${settings.host}:${settings.postgresql}/test`;
const said = new Redis(redis);

async function work(what) {
  await said.rpush(`${name}:runs`, what);
  const [word, seconds] = what.split(' ');
  if (word === 'raise') throw new Error(what);
  if (word === 'wait') await new Promise((done) => setTimeout(done, 1000 * seconds));
  if (word === 'block') for (const end = Date.now() + 1000 * seconds; Date.now() < end; );
  await said.rpush(`${name}:runs`, 'done');
}

const frameworks = {
  bullmq: {
    async worker() {
      const { Worker } = require('bullmq');
      new Worker(name, (job) => work(job.data), { connection: redis, ...settings.worker });
    },
    async send([what, options]) {
      const { Queue } = require('bullmq');
      const queue = new Queue(name, { connection: redis });
      await queue.add('work', what, options);
      await queue.close();
    },
    async counts() {
      const { Queue } = require('bullmq');
      const queue = new Queue(name, { connection: redis });
      console.log(JSON.stringify(await queue.getJobCounts()));
      await queue.close();
    },
  },
  pgboss: {
    async boss() {
      const Boss = require('pg-boss');
      const boss = new Boss({ connectionString: postgres, schema: name, ...settings.boss });
      boss.on('error', () => {});
      await boss.start();
      await boss.createQueue('work', { name: 'work', ...settings.queue });
      return boss;
    },
    async worker() {
      const boss = await this.boss();
      await boss.work('work', { pollingIntervalSeconds: 0.5 }, ([job]) => work(job.data.what));
    },
    async send([what, options]) {
      const boss = await this.boss();
      console.log(JSON.stringify(await boss.send('work', { what }, options)));
      await boss.stop({ graceful: false });
    },
  },
  graphile: {
    async worker() {
      const { run } = require('graphile-worker');
      await run({
        connectionString: postgres,
        schema: name,
        pollInterval: 300,
        concurrency: 1,
        taskList: { work: (payload) => work(payload.what) },
        ...settings.worker,
      });
    },
    async send([what, options]) {
      const { makeWorkerUtils } = require('graphile-worker');
      const utils = await makeWorkerUtils({ connectionString: postgres, schema: name });
      await utils.migrate();
      await utils.addJob('work', { what }, options);
      await utils.release();
    },
  },
};

const [, , framework, command, argument] = process.argv;
frameworks[framework][command](argument ? JSON.parse(argument) : [])
  .then(() => command === 'worker' || process.exit(0))
  .catch((error) => {
    console.error(error);
    process.exit(1);
  });
