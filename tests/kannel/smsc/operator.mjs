// An operator: a server of SMPP that prints every message it is handed, one JSON object a line, and sends what it reads
// from its standard input in the same form: {"to": system_id, ...fields of deliver_sm}. It owns no text of ours.
import smpp from "smpp";
import { createInterface } from "node:readline";

const links = new Map();
let count = 0;

const say = (event) => process.stdout.write(JSON.stringify(event) + "\n");
const hex = (value) => (Buffer.isBuffer(value) ? value.toString("hex") : value);

const server = smpp.createServer((session) => {
  session.on("bind_transceiver", (pdu) => {
    links.set(pdu.system_id, session);
    session.send(pdu.response({ system_id: "operator" }));
    say({ bound: pdu.system_id });
  });
  session.on("submit_sm", (pdu) => {
    const id = `m${(count += 1)}`;
    session.send(pdu.response({ message_id: id }));
    const { message, udh } = pdu.short_message;
    say({
      submit: id,
      from: pdu.source_addr,
      to: pdu.destination_addr,
      service_type: pdu.service_type,
      coding: pdu.data_coding,
      validity: hex(pdu.validity_period),
      wants_report: pdu.registered_delivery,
      udh: (udh ?? []).map(hex).join(""),
      text: Buffer.isBuffer(message) ? hex(message) : message,
      ussd_service_op: pdu.ussd_service_op,
      its_session_info: hex(pdu.its_session_info),
      user_message_reference: pdu.user_message_reference,
    });
  });
  session.on("enquire_link", (pdu) => session.send(pdu.response()));
  session.on("unbind", (pdu) => session.send(pdu.response()));
  session.on("error", () => session.close());
});

server.listen(0, "127.0.0.1", () => say({ port: server.address().port }));

createInterface({ input: process.stdin }).on("line", (line) => {
  const { to, hex: octets, its_session_info: its, ...fields } = JSON.parse(line);
  const short_message = octets === undefined ? fields.short_message : Buffer.from(octets, "hex");
  const tlv = its === undefined ? {} : { its_session_info: Buffer.from(its, "hex") };
  links.get(to).deliver_sm({ ...fields, ...tlv, short_message }, (pdu) => say({ answered: pdu.command_status }));
}).on("close", () => process.exit(0));
