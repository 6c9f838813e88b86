// Counts SMS parts with Twilio's calculator: one JSON string a line in, one JSON answer a line out.
import { createInterface } from "node:readline";
import calculator from "sms-segments-calculator";

for await (const line of createInterface({ input: process.stdin })) {
  const message = new calculator.SegmentedMessage(JSON.parse(line), "auto", false); // no smart encoding
  const units = message.encodedChars.reduce((sum, char) => sum + char.codeUnits.length, 0);
  console.log(JSON.stringify([message.getEncodingName(), units, message.segmentsCount]));
}
