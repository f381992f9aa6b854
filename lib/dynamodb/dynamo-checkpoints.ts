import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { InvalidOptionError } from '../errors.js';
import { LeasedCheckpoints, type LeaseOptions } from '../follow/leased-checkpoints.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import { DynamoLeaseTable } from './dynamo-lease-table.js';

/** Options of {@link DynamoCheckpoints}. */
export interface DynamoCheckpointsOptions extends LeaseOptions {
	/** Name of the table. Its partition key is `key`, a string; it has no sort key. It is not made here. */
	readonly table: string;
	/** A client of `@aws-sdk/client-dynamodb`, which stays open. @default one is made of `region`, `profile` and the environment */
	readonly client?: DynamoDBClient | undefined;
	/** @default AWS_REGION or the profile's */
	readonly region?: string | undefined;
	/** A profile of the AWS configuration files. @default AWS_PROFILE, else `default` */
	readonly profile?: string | undefined;
}

const OPTION_NAMES: OptionNames<DynamoCheckpointsOptions> = {
	table: true,
	client: true,
	region: true,
	profile: true,
	leaseMs: true,
	clock: true,
};

const TABLE_PATTERN = /^[a-zA-Z0-9_.-]{3,255}$/;

/**
 * Keeps the checkpoint of one consumer in a table of DynamoDB, under a lease by the clocks of the consumers, which may differ by
 * two thirds of it: see {@link LeasedCheckpoints}. Needs the package `@aws-sdk/client-dynamodb`, and leave for `UpdateItem` and
 * `GetItem`. `AWS_ENDPOINT_URL_DYNAMODB` is used.
 *
 * Each checkpoint is an item `STREAM/CONSUMER`, of 400 KB at most: 50 fragments a second. Not for global tables, which do
 * not check conditions across regions.
 */
export class DynamoCheckpoints extends LeasedCheckpoints {
	/** Throws `InvalidOptionError`. Nothing is connected before `load`. */
	constructor(options: DynamoCheckpointsOptions) {
		checkOptionNames(options, OPTION_NAMES);
		const { table, client, region, profile, ...lease } = options;
		if (typeof table !== 'string' || !TABLE_PATTERN.test(table)) {
			throw new InvalidOptionError('table', '3 to 255 of the characters a-z, A-Z, 0-9, _, . and -', table);
		}
		if (client !== undefined && (region !== undefined || profile !== undefined)) {
			throw new InvalidOptionError(
				'client',
				'given without `region` and `profile`, which are its own',
				client,
			);
		}
		super(new DynamoLeaseTable(table, client === undefined ? { region, profile } : { client }), lease);
	}
}
