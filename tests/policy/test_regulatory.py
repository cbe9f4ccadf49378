"""Requests of legal weight in five languages, and texts that only sound like them."""

from pathlib import Path

import pytest

from policy.desk import DeskError, parse_desk
from policy.escalation import regulatory_reason
from policy.gates import gates
from policy.regulatory import legal_call
from policy.situation import LegalWeight
from tests.policy.examples import shipped_desk, situation

ASKED = {
    "deletion": [
        "Please delete all my personal data.",
        "Could you erase everything you hold about me?",
        "I would like my data to be deleted from your servers, thank you.",
        "Under the GDPR I ask for the erasure of my personal information",
        "I want to use my right to be forgotten.",
        "Kindly wipe any information about me, and by the way the invoice is fine.",
        "Delete my account and all data with it",
        "Bitte löschen Sie alle meine personenbezogenen Daten.",
        "Ich möchte, dass meine Daten vollständig gelöscht werden",
        "Hiermit beantrage ich die Löschung meiner Daten gemäß Art. 17 DSGVO.",
        "bitte loeschen sie mein konto und alles ueber mich",
        "Ich mache von meinem Recht auf Vergessenwerden Gebrauch.",
        "Merci de supprimer toutes mes données personnelles.",
        "Je souhaite que mes données soient effacées.",
        "J'exerce mon droit à l'oubli",
        "Je demande la suppression de mon compte et de mes données",
        "Por favor, eliminen todos mis datos personales.",
        "Quiero que borren mis datos de sus sistemas",
        "Solicito la supresión de mis datos conforme al RGPD",
        "Ejerzo mi derecho al olvido",
        "Por favor apaguem todos os meus dados pessoais.",
        "Quero que os meus dados sejam eliminados",
        "Solicito a exclusão dos meus dados conforme a LGPD",
        "Invoco o direito ao esquecimento",
    ],
    "access": [
        "Please send me a copy of all data you hold about me.",
        "What personal information do you store about me?",
        "This is a subject access request.",
        "I request access to my personal data",
        "Bitte teilen Sie mir mit, welche Daten Sie über mich gespeichert haben.",
        "Ich bitte um Auskunft über meine gespeicherten Daten.",
        "Auskunftsersuchen nach Art. 15 DSGVO",
        "Quelles données avez-vous sur moi ?",
        "J'exerce mon droit d'accès.",
        "Je voudrais une copie de toutes mes données",
        "¿Qué datos tienen sobre mí?",
        "Ejerzo mi derecho de acceso según el artículo 15",
        "Quiero una copia de todos mis datos personales",
        "Que dados vocês têm sobre mim?",
        "Peço acesso aos meus dados pessoais",
        "Quero uma cópia dos meus dados",
    ],
    "legal": [
        "If this is not solved by Friday we will take legal action.",
        "You will hear from our lawyers.",
        "I am going to sue you for damages.",
        "My attorney will contact you about this breach of contract",
        "We will report you to the data protection authority.",
        "Sonst leiten wir rechtliche Schritte ein.",
        "Ich werde meinen Anwalt einschalten.",
        "Wir sehen uns vor Gericht",
        "Wir melden das der Aufsichtsbehörde.",
        "Nous allons engager des poursuites judiciaires.",
        "Mon avocat va vous contacter.",
        "Ceci est une mise en demeure",
        "Tomaremos acciones legales contra ustedes.",
        "Mi abogado se pondrá en contacto con ustedes",
        "Voy a poner una denuncia",
        "Vamos tomar medidas legais.",
        "O meu advogado vai contactar vocês",
        "Vou abrir uma queixa no Procon",
    ],
    "accessibility": [
        "The form cannot be used with a screen reader.",
        "One of our colleagues is blind and cannot open the menu.",
        "Does your product meet WCAG 2.2?",
        "NVDA does not read the buttons",
        "I am color blind and the chart colours look the same",
        "Unsere Kollegin ist blind und der Screenreader liest die Tabelle nicht vor.",
        "Die Seite ist nicht barrierefrei.",
        "Man kann es nicht nur mit der Tastatur bedienen",
        "Le lecteur d'écran ne lit pas les boutons.",
        "Je suis malvoyant et le contraste est trop faible",
        "El lector de pantalla no lee el menú.",
        "Una compañera ciega no puede usar el formulario",
        "O leitor de tela não lê os botões.",
        "Sou deficiente visual e não consigo usar o painel",
    ],
    "security": [
        "I found a vulnerability in your login page.",
        "There is an XSS in the comment field",
        "I can see another customer's invoices in my list.",
        "We believe our account was hacked",
        "I would like to report a security issue under responsible disclosure",
        "Ich habe eine Sicherheitslücke gefunden.",
        "Ich sehe Rechnungen anderer Kunden",
        "Unser Konto wurde gehackt",
        "J'ai trouvé une faille de sécurité.",
        "Je vois les factures d'un autre client",
        "He encontrado un fallo de seguridad.",
        "Nuestra cuenta fue hackeada",
        "Encontrei uma falha de segurança.",
        "Vejo faturas de outro cliente",
    ],
}
ASKED_INDIRECTLY = [
    "I no longer work with your tool and would appreciate it if nothing about me remained in your systems.",
    "pls delte my personal data",
    "Kindly confirm that all of my information has been erased.",
    "We'd be grateful if you could get rid of any personal details you still keep on file.",
    "can you tell me what you know about me",
    "Which of my details are stored, and who were they passed to?",
    "Our solicitors have been informed and will be in touch.",
    "I'll have no choice but to get my lawyer involved",
    "You leave us no option but court.",
    "I can't see the screen well and the zoom breaks the page, we have a duty to accommodate her impairment",
    "Tab key navigation does not reach the submit button, so our blind user is locked out",
    "Changing the id in the URL shows me other people's tickets",
    "password hashes are visible in the API response, you may want to fix this before I publish",
    "please remove every trace of me",
    "I withdraw my consent; delete what you have on me",
    "Ich widerrufe meine Einwilligung und bitte um Entfernung aller zu mir gespeicherten Angaben.",
    "Könnten Sie bitte alles entfernen, was Sie über mich haben?",
    "Bitte Account und Daten komplett löschen",
    "mein profil bitte komplett loeschen",
    "Bitte teilen Sie uns mit, was über unsere Mitarbeiter bei Ihnen gespeichert ist",
    "Ich hätte gern eine Übersicht meiner bei Ihnen hinterlegten Daten",
    "Unser Anwalt wird sich bei Ihnen melden",
    "Wir behalten uns rechtliche Schritte vor",
    "Das übergebe ich jetzt meinem Rechtsanwalt.",
    "Mein Kollege ist sehbehindert und kann die Schrift nicht vergrößern",
    "Durch Ändern der ID in der URL sehe ich fremde Rechnungen",
    "Veuillez effacer l'ensemble des informations que vous détenez à mon sujet",
    "je veux que mon compte et tout ce qui va avec soit supprimé definitivement",
    "Retirez-moi de vos bases de données",
    "Pourriez-vous m'indiquer les informations que vous conservez à mon sujet ?",
    "Je transmets le dossier à mon avocat",
    "Nous saisirons la CNIL",
    "Nous nous réservons le droit d'agir en justice",
    "Ma collègue est non-voyante et ne peut pas naviguer",
    "En changeant l'identifiant dans l'URL je vois les données d'autres clients",
    "Les ruego que supriman toda la información que tengan sobre mí",
    "Dar de baja mi cuenta y borrar toda mi información",
    "Quisiera saber qué información guardan de mí",
    "Nos veremos en los tribunales",
    "Mis abogados ya están informados",
    "Tengo baja visión y no puedo leer los gráficos",
    "Cambiando el id en la URL puedo ver datos de otros clientes",
    "retiro mi consentimiento, eliminen todo lo que tengan de mí",
    "Gostaria que removessem todas as informações que guardam sobre mim",
    "Retirem os meus dados das vossas bases",
    "Gostaria de saber que informação têm sobre mim",
    "Vemo-nos em tribunal",
    "Os meus advogados já foram informados",
    "Tenho baixa visão e não consigo ler os gráficos",
    "Ao mudar o id no URL consigo ver dados de outros clientes",
    "por favor apague minha conta e tudo que tem sobre mim",
    "Since we are leaving, make sure that you do not retain our employees' personal details.",
    "Can you scrub my info from your records?",
    "I hereby exercise my data protection rights: send me the information you process about me.",
    "Is there a log of who looked at my personal details?",
    "We have instructed counsel and expect a response within 14 days.",
    "You will be hearing from our legal department if this continues",
    "my wife uses a screenreader and the new menu is unusable",
    "I was able to bypass the login by editing a cookie",
    "someone from another country logged into our account",
    "delete evrything you have on me thx. also how do i export csv",
    "Bitte vergessen Sie alles, was Sie von mir haben, und bestätigen Sie die Vernichtung.",
    "Ich kündige und möchte, dass keine Daten von mir übrig bleiben.",
    "Was haben Sie eigentlich alles über mich gespeichert?",
    "Unsere Rechtsabteilung wird Schadensersatz fordern",
    "Jemand Fremdes hat sich in unser Konto eingeloggt",
    "Im Quelltext steht ein geheimer Schlüssel im Klartext",
    "Ne gardez aucune trace de moi dans vos fichiers",
    "Communiquez-moi toutes les données me concernant",
    "Sans réponse sous huit jours, nous irons au tribunal",
    "Un salarié malvoyant ne peut pas lire les graphiques",
    "Quelqu'un s'est connecté à notre compte depuis la Russie",
    "Que no quede ningún dato mío en su empresa",
    "Mándenme todo lo que tengan guardado sobre mi persona",
    "Si no responden, iremos a juicio",
    "Un empleado con discapacidad visual no puede usar el menú",
    "Alguien entró en nuestra cuenta desde otro país",
    "Não quero que fique nenhum dado meu com vocês",
    "Enviem-me tudo o que têm guardado sobre mim",
    "Se não responderem, vamos para a justiça",
    "Uma funcionária cega não consegue usar o menu",
    "Alguém entrou na nossa conta a partir de outro país",
]
ONLY_SOUNDS_ALIKE = [
    "Please do not delete my data, I only want to pause the subscription.",
    "How do I delete a data source from the dashboard?",
    "Can I remove the data set from this report?",
    "All our records were deleted by the import, please restore them!",
    "I accidentally deleted a widget.",
    "How do I get access to the billing page?",
    "Can you give Tom access to our workspace?",
    "Please send a copy of the invoice to our legal department",
    "Where is the legal notice in the footer?",
    "We are a law firm and need ten more seats.",
    "Can Sue get a seat in our team?",
    "The court in Hamburg is one of our customers",
    "Our dashboard is not accessible from the office network.",
    "The save button is disabled, why?",
    "Please send it as a blind copy to me",
    "Where are the security settings?",
    "My security code does not arrive",
    "Please reset my password.",
    "Remove my payment details, the card has expired",
    "The contrast between plans is unclear to me",
    "Bitte löschen Sie meine Daten nicht!",
    "Wie lösche ich einen Datensatz aus der Tabelle?",
    "Unsere Daten wurden versehentlich gelöscht, bitte wiederherstellen.",
    "Ich bekomme keinen Zugriff auf das Dashboard",
    "Wie füge ich einen Nutzer hinzu?",
    "Das Gericht Hamburg ist unser Kunde und braucht zehn Lizenzen",
    "Wo sind die Sicherheitseinstellungen?",
    "Der Knopf ist ausgegraut",
    "Ne supprimez pas mes données !",
    "Comment supprimer les données du tableau de bord ?",
    "Nos données ont été supprimées par erreur.",
    "Je n'ai pas accès au tableau de bord",
    "Où sont les mentions légales ?",
    "Où sont les paramètres de sécurité ?",
    "No quiero eliminar mis datos.",
    "¿Cómo borro los datos del informe?",
    "Se borraron nuestros datos por error",
    "No tengo acceso al panel",
    "¿Dónde está el aviso legal?",
    "Não quero apagar os meus dados.",
    "Como apago os dados do relatório?",
    "Os nossos dados foram apagados por engano",
    "Não tenho acesso ao painel",
    "Onde estão as definições de segurança?",
    "Can you delete the duplicate user Tom Baker from our workspace?",
    "We lost access to our data after the outage",
    "Please change the owner of the account",
    "I'd like a copy of last month's report",
    "What data does the CRM sync import?",
    "How long does the data export take?",
    "Remove John from the billing contacts",
    "Our lawyers use your dashboard every day and like it",
    "Which information do you need from me?",
    "I forgot everything, including my password",
    "The webhooks stopped, please take care of this problem",
    "Our legal team approved the new plan",
    "Can you delete the old invoices from the list",
    "We want to keep our account, do not close it",
    "Can I hide personal information in the report?",
    "The data in my account is wrong",
    "please transfer my account to the new company",
    "You have all my data so please just fix it",
    "The export of all my data fails",
    "Wir können unsere Daten nicht exportieren",
    "Welche Daten braucht ihr von mir?",
    "Sagen Sie mir bitte, was Sie von mir brauchen.",
    "O link de redefinição é inválido.",
    "The reset link is invalid",
    "Bitte löschen Sie den alten Nutzer Tom",
    "Die Daten im Bericht stimmen nicht",
    "Wie entferne ich alle Filter aus meinen Daten?",
    "Bitte ändern Sie die Rechnungsadresse",
    "Was kostet der Zugang für unsere Rechtsabteilung?",
    "Wir haben alle Daten neu importiert",
    "Comment supprimer un utilisateur de mon compte ?",
    "Quelles informations vous faut-il ?",
    "Mes données ne sont plus synchronisées",
    "Le problème de connexion revient",
    "Je ne trouve pas la facture de mars",
    "Comment accéder à mes données exportées ?",
    "¿Cómo elimino un usuario de mi cuenta?",
    "¿Qué datos necesitan?",
    "Mis datos no se sincronizan",
    "Necesito una copia de la factura",
    "Todos los datos que importé están duplicados",
    "Como elimino um utilizador da minha conta?",
    "Que dados precisam?",
    "Os meus dados não sincronizam",
    "Preciso de uma cópia da fatura",
    "O acesso ao painel não funciona",
]


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in ASKED.items() for text in texts])
def test_a_request_of_legal_weight_is_never_missed(kind: str, text: str) -> None:
    reason = regulatory_reason(shipped_desk(), situation(body=text))
    assert reason is not None
    assert reason.startswith(f"the text {shipped_desk().phrases.regulatory[kind].about}")


@pytest.mark.parametrize("text", ASKED_INDIRECTLY)
def test_an_indirect_request_of_legal_weight_is_not_missed(text: str) -> None:
    assert regulatory_reason(shipped_desk(), situation(body=text)) is not None


@pytest.mark.parametrize("text", ONLY_SOUNDS_ALIKE)
def test_a_near_miss_is_left_alone(text: str) -> None:
    assert regulatory_reason(shipped_desk(), situation(body=text)) is None


def test_the_subject_line_is_enough() -> None:
    assert regulatory_reason(shipped_desk(), situation(subject="Subject access request", body="")) is not None


def test_an_intent_of_legal_weight_is_enough_even_when_hardly_probable() -> None:
    asked = situation(intent="data_access_request", intent_probability=0.31, body="Hello")
    assert "has legal weight" in (regulatory_reason(shipped_desk(), asked) or "")
    doubtful = situation(intent="data_access_request", intent_probability=0.29, body="Hello")
    assert regulatory_reason(shipped_desk(), doubtful) is None


SAID, UNSAID = "Please delete all my personal data.", "Make it as if we had never met."


def meant(probability: float, concern: str = "deletion") -> LegalWeight:
    return LegalWeight(probability, "as if we had never met", "Forget me.", concern)


@pytest.mark.parametrize(
    ("body", "weight", "reason", "certain"),
    [
        pytest.param(SAID, None, "the text asks", True, id="words, no model"),
        pytest.param(SAID, meant(0.2), "the text asks", True, id="words and meaning agree"),
        pytest.param(SAID, meant(0.19), "perhaps the text asks", False, id="words against meaning"),
        pytest.param(UNSAID, None, None, False, id="nothing without a model"),
        pytest.param(UNSAID, meant(0.7), 'is near in meaning to "Forget me."', True, id="meaning alone"),
        pytest.param(UNSAID, meant(0.69), "perhaps the text", False, id="meaning in doubt"),
        pytest.param(UNSAID, meant(0.19), None, False, id="neither"),
        pytest.param(UNSAID, meant(0.9, "whistle"), "has legal weight", True, id="a concern without a topic"),
    ],
)
def test_words_and_meaning_decide_together(
    body: str, weight: LegalWeight | None, reason: str | None, certain: bool
) -> None:
    asked = situation(subject="", body=body, legal_weight=weight)
    call = legal_call(shipped_desk(), asked)
    assert (call is not None and call.certain) == certain
    assert (call is None) == (reason is None)
    assert call is None or (reason or "") in call.reason
    assert (regulatory_reason(shipped_desk(), asked) is not None) == certain
    vetoed = [gate for gate in gates(shipped_desk(), asked, []) if gate.name == "nothing_sensitive"]
    assert vetoed[0].passed == (call is None)


def test_a_wording_of_the_desk_itself_is_enough_whatever_the_examples_say() -> None:
    shipped = (Path(__file__).parents[2] / "policy" / "desk.yaml").read_text("utf-8")
    own = parse_desk(shipped + "\nphrases:\n  regulatory:\n    deletion:\n      asks: {en: ['never met']}\n")
    for desk, certain in ((own, True), (shipped_desk(), False)):
        call = legal_call(desk, situation(body=UNSAID, legal_weight=meant(0.01)))
        assert (call is not None and call.certain) == certain


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        pytest.param("{sure: 0.3, doubt: 0.4}", "doubt 0.4 is above sure 0.3", id="doubt above certainty"),
        pytest.param("{sure: 1.3}", "1.3", id="no probability"),
        pytest.param("{doubt: 0}", "0", id="doubting everything"),
        pytest.param("{alone: 0.9}", "alone", id="an unknown key"),
    ],
)
def test_thresholds_that_make_no_sense_are_refused(rules: str, found: str) -> None:
    shipped = (Path(__file__).parents[2] / "policy" / "desk.yaml").read_text("utf-8")
    before, _, after = shipped.partition("  legal_weight: ")
    broken = f"{before}  legal_weight: {rules}\n\n{after[after.index('# When the same issue') :]}"
    with pytest.raises(DeskError, match=found):
        parse_desk(broken)
