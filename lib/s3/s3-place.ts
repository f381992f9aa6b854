import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import { InvalidOptionError } from '../errors.js';
import type { FolderLock, OutputFolder, UnfinishedFile } from '../files/output-folder.js';
import { chunksOf, type ReadableFile } from '../files/readable-file.js';
import type { RemotePlace } from '../files/remote-place.js';
import { lockStaging } from '../files/staging.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import { Bucket } from './bucket.js';
import { createS3Client, loadS3, type S3ClientSettings } from './s3-client.js';
import { S3Folder } from './s3-folder.js';
import { parseS3Url, type S3Location } from './s3-url.js';

/** Options of {@link s3}. */
export interface S3Options extends S3ClientSettings {
	/** A client of `@aws-sdk/client-s3`, which stays open. @default one is made of `region`, `profile`, `credentials` and the environment */
	readonly client?: S3Client | undefined;
	/** @default AWS_REGION or the profile's; a bucket that is elsewhere is found there */
	readonly region?: string | undefined;
	/** A profile of the AWS configuration files. @default AWS_PROFILE, else `default` */
	readonly profile?: string | undefined;
	/** @default the SDK's chain */
	readonly credentials?: S3ClientSettings['credentials'] | undefined;
	/**
	 * Directory of the local disk below which files are made before they are uploaded; it takes the size of the output.
	 * @default KVS_ARCHIVE_STAGING, else `kvs-archive` in XDG_CACHE_HOME or `~/.cache`
	 */
	readonly stagingDirectory?: string | undefined;
}

const OPTION_NAMES: OptionNames<S3Options> = {
	client: true,
	region: true,
	profile: true,
	credentials: true,
	stagingDirectory: true,
};

/** Name of the record of unfinished uploads in a folder, and its ending beside a file. */
const RECORD_NAME = '.upload.json';

/**
 * A place in S3, for everything that writes to or reads from a file or a folder: `s3('s3://bucket/folder/file.mp4')`. Needs the
 * package `@aws-sdk/client-s3`; `AWS_ENDPOINT_URL_S3` is used. Throws `InvalidOptionError`; nothing is connected before it is used.
 *
 * Files are made on the local disk first, where a stopped run continues, and uploaded when they are whole. Needs `s3:PutObject`,
 * `s3:GetObject`, `s3:DeleteObject`, `s3:AbortMultipartUpload`, and `s3:ListBucket`, without which S3 does not say that an object is missing.
 */
export function s3(url: string, options: S3Options = {}): S3Place {
	return new S3Place(url, options);
}

/** A place in S3: a file, or as an `OutputFolder` the folder of that name. */
export class S3Place implements RemotePlace, OutputFolder {
	readonly url: string;
	readonly fileName: string;
	#folder: Promise<S3Folder> | null = null;
	readonly #location: S3Location;
	readonly #options: S3Options;

	constructor(url: string, options: S3Options) {
		checkOptionNames(options, OPTION_NAMES);
		const { client, region, profile, credentials } = options;
		if (client !== undefined && (region ?? profile ?? credentials) !== undefined) {
			const expected = 'given without `region`, `profile` and `credentials`, which are its own';
			throw new InvalidOptionError('client', expected, client);
		}
		this.#location = parseS3Url(url);
		this.#options = options;
		this.url = url;
		this.fileName = this.#location.key.split('/').at(-1) as string;
	}

	async open(as: 'file' | 'folder'): Promise<S3Folder> {
		const { client, stagingDirectory, ...settings } = this.#options;
		const { bucket: name, key } = this.#location;
		const sdk = await loadS3();
		const ownClient = client === undefined ? createS3Client(sdk, settings) : null;
		const bucket = new Bucket(name, sdk, client ?? (ownClient as S3Client));
		const folder = key === '' || key.endsWith('/') ? key : `${key}/`;
		const prefix = as === 'folder' ? folder : key.slice(0, key.length - this.fileName.length);
		const recordKey = as === 'folder' ? `${folder}${RECORD_NAME}` : `${key}${RECORD_NAME}`;
		const root = stagingDirectory ?? defaultStagingDirectory();
		return new S3Folder({
			bucket,
			prefix,
			recordKey,
			stagingDirectory: join(
				root,
				createHash('sha256')
					.update(bucket.urlOf(as === 'folder' ? folder : key))
					.digest('hex')
					.slice(0, 32),
			),
			ownClient,
		});
	}

	get name(): string {
		return this.url;
	}

	/** Also removes the uploads that a killed process has left there. */
	async lock(): Promise<FolderLock> {
		const folder = await this.#asFolder();
		const lock = await lockStaging(folder.stagingDirectory, this.url);
		const release = async (): Promise<void> => {
			await rm(folder.stagingDirectory, { recursive: true, force: true });
			lock.release();
			this.#folder = null;
			await folder.close();
		};
		try {
			await folder.removeUnfinished(undefined);
		} catch (error) {
			await release();
			throw error;
		}
		return { release };
	}

	async create(name: string): Promise<UnfinishedFile> {
		return (await this.#asFolder()).create(name);
	}

	async read(name: string): Promise<AsyncIterable<Uint8Array> | null> {
		const file = await (await this.#asFolder()).get(name, undefined);
		return file === null ? null : bytesOf(file);
	}

	async sizeOf(name: string): Promise<number | null> {
		return (await this.#asFolder()).sizeOf(name);
	}

	async *list(): AsyncGenerator<string> {
		yield* (await this.#asFolder()).list();
	}

	async remove(name: string): Promise<void> {
		await (await this.#asFolder()).remove(name, undefined);
	}

	/** Nothing is left to do: `lock` removes them. */
	async removeUnfinished(): Promise<void> {}

	#asFolder(): Promise<S3Folder> {
		this.#folder ??= this.open('folder');
		return this.#folder;
	}
}

async function* bytesOf(file: ReadableFile): AsyncGenerator<Uint8Array> {
	try {
		yield* chunksOf(file);
	} finally {
		await file.close();
	}
}

function defaultStagingDirectory(): string {
	const { KVS_ARCHIVE_STAGING, XDG_CACHE_HOME } = process.env;
	return KVS_ARCHIVE_STAGING || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'kvs-archive');
}
