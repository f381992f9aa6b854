import type { AttributeValue, DynamoDBClient, UpdateItemCommandInput } from '@aws-sdk/client-dynamodb';
import { ArchiveError } from '../errors.js';
import type { LeaseClaim, LeaseGrant, LeaseTable } from '../follow/lease-table.js';
import { peerMissing } from '../peer-missing.js';

/** A client of `@aws-sdk/client-dynamodb`, or what one is made of. */
export type DynamoServer =
	| { readonly client: DynamoDBClient }
	| { readonly region: string | undefined; readonly profile: string | undefined };

type Sdk = typeof import('@aws-sdk/client-dynamodb');

type Item = Record<string, AttributeValue>;

const NAMES = { '#holder': 'holder', '#until': 'until' };

/** Free: no holder, our own, or one whose lease is over; a damaged end of a lease keeps no one out. */
const IS_FREE =
	'attribute_not_exists(#holder) OR #holder = :holder OR NOT attribute_type(#until, :number) OR #until <= :now';

/** Checkpoints in a table of DynamoDB: an item for each, of `key`, `holder`, `until` (epoch milliseconds) and `checkpoint`. */
export class DynamoLeaseTable implements LeaseTable {
	readonly #table: string;
	readonly #server: DynamoServer;
	#own: Promise<DynamoDBClient> | null = null;

	/** @param server - a client is not closed */
	constructor(table: string, server: DynamoServer) {
		this.#table = table;
		this.#server = server;
	}

	/** As {@link LeaseTable} says. */
	placeOf(key: string): string {
		return `${key} in the table ${this.#table} of DynamoDB`;
	}

	/** As {@link LeaseTable} says. */
	async take(claim: LeaseClaim): Promise<LeaseGrant> {
		const { nowMs, signal } = claim;
		for (;;) {
			const taken = await this.#update(claim, {
				ConditionExpression: IS_FREE,
				UpdateExpression: 'SET #holder = :holder, #until = :until',
				ExpressionAttributeNames: NAMES,
				ExpressionAttributeValues: { ':now': { N: String(nowMs) }, ':number': { S: 'N' } },
				ReturnValues: 'ALL_NEW',
			});
			if (taken !== null) {
				const { checkpoint } = taken;
				return { isGranted: true, text: checkpoint === undefined ? null : (checkpoint.S ?? '') };
			}
			const { holder, until } = await this.#get(claim);
			const leftMs = Number(until?.N ?? 0) - nowMs;
			if (leftMs > 0) return { isGranted: false, holder: holder?.S ?? '', leftMs };
			// It was given up in between.
			signal.throwIfAborted();
		}
	}

	/** As {@link LeaseTable} says. */
	async write(claim: LeaseClaim, text: string | null): Promise<string | null> {
		const written = await this.#update(claim, {
			ConditionExpression: 'attribute_not_exists(#holder) OR #holder = :holder',
			UpdateExpression: `SET #holder = :holder, #until = :until${text === null ? '' : ', #checkpoint = :checkpoint'}`,
			ExpressionAttributeNames: { ...NAMES, ...(text !== null && { '#checkpoint': 'checkpoint' }) },
			ExpressionAttributeValues: text === null ? {} : { ':checkpoint': { S: text } },
		});
		if (written !== null) return null;
		const { holder } = await this.#get(claim);
		return holder?.S ?? '';
	}

	/** As {@link LeaseTable} says. */
	async close(): Promise<void> {
		const own = this.#own;
		this.#own = null;
		(await own)?.destroy();
	}

	/** The item's attributes as far as they are returned; null where the condition does not hold. */
	async #update(
		{ key, holder, leaseMs, nowMs, signal }: LeaseClaim,
		input: Omit<UpdateItemCommandInput, 'TableName' | 'Key'>,
	): Promise<Item | null> {
		const { UpdateItemCommand } = await sdk();
		const command = new UpdateItemCommand({
			...input,
			TableName: this.#table,
			Key: { key: { S: key } },
			ExpressionAttributeValues: {
				...input.ExpressionAttributeValues,
				':holder': { S: holder },
				':until': { N: String(nowMs + leaseMs) },
			},
		});
		const client = await this.#client();
		try {
			return (await client.send(command, { abortSignal: signal })).Attributes ?? {};
		} catch (error) {
			if ((error as Error).name === 'ConditionalCheckFailedException') return null;
			throw this.#explained(error as Error, key);
		}
	}

	async #get({ key, signal }: LeaseClaim): Promise<Item> {
		const { GetItemCommand } = await sdk();
		const command = new GetItemCommand({
			TableName: this.#table,
			Key: { key: { S: key } },
			ConsistentRead: true,
			ProjectionExpression: '#holder, #until',
			ExpressionAttributeNames: NAMES,
		});
		const client = await this.#client();
		return (await client.send(command, { abortSignal: signal })).Item ?? {};
	}

	/** The error, or what to do about one that does not pass. */
	#explained(cause: Error, key: string): Error {
		const rest = this.#advice(cause);
		if (rest === null) return cause;
		const message = `the checkpoint \`${this.placeOf(key)}\` cannot be kept: ${rest}`;
		return new ArchiveError('KVS_CHECKPOINT_FAILED', message, { cause });
	}

	#advice({ name, message }: Error): string | null {
		const create = `aws dynamodb create-table --table-name ${this.#table} --attribute-definitions AttributeName=key,AttributeType=S --key-schema AttributeName=key,KeyType=HASH --billing-mode PAY_PER_REQUEST`;
		if (name === 'ResourceNotFoundException') {
			return `the table does not exist in this region and account; make it with: ${create}`;
		}
		if (name !== 'ValidationException') return null;
		return /item size/i.test(message)
			? `it names the fragments of the last two minutes, too many for one item of 400 KB (${message})`
			: `${message} (the table needs the partition key \`key\`, a string, and no sort key: ${create})`;
	}

	#client(): Promise<DynamoDBClient> {
		const server = this.#server;
		if ('client' in server) return Promise.resolve(server.client);
		this.#own ??= sdk().then(({ DynamoDBClient }) => {
			const { region, profile } = server;
			return new DynamoDBClient({
				...(region !== undefined && { region }),
				...(profile !== undefined && { profile }),
			});
		});
		return this.#own;
	}
}

function sdk(): Promise<Sdk> {
	return import('@aws-sdk/client-dynamodb').catch(peerMissing('@aws-sdk/client-dynamodb'));
}
