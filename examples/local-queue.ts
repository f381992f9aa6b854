import { CreateQueueCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { buildApp } from 'fauxqs';
import type { Fragment } from 'kvs-archive';

/** The queue an example takes events from: the one that SQS_QUEUE_URL names, else a local one with a few events in it. */
export interface ExampleQueue {
	readonly client: SQSClient;
	readonly url: string;
	readonly isLocal: boolean;
	close(): Promise<void>;
}

/** Opens the queue. A local one holds what the service says of `fragments`. */
export async function openExampleQueue(
	streamArn: string,
	fragments: readonly Fragment[],
): Promise<ExampleQueue> {
	const { SQS_QUEUE_URL: given } = process.env;
	if (given !== undefined) {
		// AWS_ENDPOINT_URL_SQS counts before the URL, so that a queue of another server can be used.
		const client = new SQSClient({
			useQueueUrlAsEndpoint: process.env['AWS_ENDPOINT_URL_SQS'] === undefined,
		});
		return { client, url: given, isLocal: false, close: async () => client.destroy() };
	}
	const app = buildApp({ logger: false, host: 'localhost' });
	const endpoint = await app.listen({ port: 0, host: '127.0.0.1' });
	const client = new SQSClient({
		endpoint,
		region: 'us-east-1',
		credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
		useQueueUrlAsEndpoint: false,
	});
	const { QueueUrl: url = '' } = await client.send(new CreateQueueCommand({ QueueName: 'events' }));
	for (const fragment of fragments) {
		const MessageBody = notificationOf(streamArn, fragment);
		await client.send(new SendMessageCommand({ QueueUrl: url, MessageBody }));
	}
	return {
		client,
		url,
		isLocal: true,
		async close() {
			client.destroy();
			await app.close();
		},
	};
}

/**
 * What the service sends when a fragment is stored that its producer has marked with AWS_KINESISVIDEO_NOTIFICATION, as SNS gives it to
 * SQS.
 */
export function notificationOf(streamArn: string, fragment: Fragment): string {
	const Message = JSON.stringify({
		StreamArn: streamArn,
		FragmentNumber: fragment.fragmentNumber,
		FragmentStartProducerTimestamp: fragment.producerTimestamp.getTime(),
		FragmentStartServerTimestamp: fragment.serverTimestamp.getTime(),
		NotificationType: 'PERSISTED',
		NotificationPayload: { door: 'opened' },
	});
	return JSON.stringify({ Type: 'Notification', Message });
}
