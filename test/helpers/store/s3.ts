import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import type { ExecutionContext } from 'ava';
import { buildApp } from 'fauxqs';
import { type S3Place, s3 } from 'kvs-archive/s3';
import { temporaryDirectory } from '../tools.js';

/** An S3 of the test's own, with the empty bucket `media`. */
export interface TestS3 {
	readonly client: S3Client;
	/** What a process needs to reach it. */
	readonly environment: Readonly<Record<string, string>>;
	/** Where files are staged. */
	readonly staging: string;
	/** A place in it. */
	readonly place: (url: string, stagingDirectory?: string) => S3Place;
	/** Keys of the bucket. */
	readonly keys: () => Promise<string[]>;
	/** Writes all objects that have no further slash in their keys into a directory of the test's own, without what they begin with. */
	readonly download: (prefix: string) => Promise<string>;
	/** An object's bytes and content type. */
	readonly object: (key: string) => Promise<{ readonly bytes: Buffer; readonly type: string | undefined }>;
}

/** Starts one, gone when the test is over. */
export async function startS3(t: ExecutionContext): Promise<TestS3> {
	const app = buildApp({ logger: false, host: 'localhost' });
	const endpoint = await app.listen({ port: 0, host: '127.0.0.1' });
	t.teardown(() => app.close());
	const staging = await temporaryDirectory(t);
	const client = s3Client(t, endpoint);
	await client.send(new CreateBucketCommand({ Bucket: 'media' }));
	const object = async (key: string): Promise<{ bytes: Buffer; type: string | undefined }> => {
		const { Body, ContentType } = await client.send(new GetObjectCommand({ Bucket: 'media', Key: key }));
		return { bytes: Buffer.from((await Body?.transformToByteArray()) ?? []), type: ContentType };
	};
	const keys = async (): Promise<string[]> => {
		const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'media' }));
		return Contents.map(({ Key = '' }) => Key);
	};
	return {
		client,
		environment: s3Environment(endpoint, staging),
		staging,
		place: (url, stagingDirectory = staging) => s3(url, { client, stagingDirectory }),
		keys,
		object,
		download: async (prefix) => {
			const directory = await temporaryDirectory(t);
			for (const key of await keys()) {
				if (!key.startsWith(prefix) || key.includes('/', prefix.length)) continue;
				await writeFile(join(directory, key.slice(prefix.length)), (await object(key)).bytes);
			}
			return directory;
		},
	};
}

/** What a process needs to reach a server on this machine. */
export function s3Environment(endpoint: string, staging: string): Readonly<Record<string, string>> {
	return {
		AWS_ENDPOINT_URL_S3: endpoint,
		AWS_REGION: 'eu-west-1',
		AWS_ACCESS_KEY_ID: 'test',
		AWS_SECRET_ACCESS_KEY: 'test',
		AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
		KVS_ARCHIVE_STAGING: staging,
	};
}

/** A client of a server on this machine, which makes one attempt. */
export function s3Client(t: ExecutionContext, endpoint: string): S3Client {
	const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
	const client = new S3Client({
		endpoint,
		region: 'eu-west-1',
		credentials,
		forcePathStyle: true,
		maxAttempts: 1,
	});
	t.teardown(() => client.destroy());
	return client;
}
